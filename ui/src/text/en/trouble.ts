/** What goes wrong, and what to do. */

export const stage = {
  dns: "Name",
  connect: "Connection",
  tls: "TLS",
  document: "Document",
  signature: "Signature",
  policy: "Permission",
  http: "Answer",
  content: "Content",
  store: "Store",
} as const;

export const stageHint = {
  dns: "Its name has no address",
  connect: "No connection to its address",
  tls: "The encrypted handshake, or its certificate",
  document: "Its provider document, which names its keys and its endpoint",
  signature: "A signature, ours there or theirs here",
  policy: "Its operator's decision, or yours",
  http: "An HTTP answer that is not what the protocol has",
  content: "What it told us breaks the protocol's rules",
  store: "Our store or theirs has lost something or gone back in time",
} as const;

/** What to do, by the code of the trouble; where a code is not known, by the stage. */
export const remedy = {
  code: {
    "peer-pending":
      "Its operator has not let you in yet. Ask them, by another way, to look at their approvals, or to add you under Peers where they let in only providers that they have added.",
    "peer-blocked": "Its operator has blocked you. Only they can change that.",
    "peer-key-changed":
      "It thinks that your key has changed. If you set this provider up anew, ask its operator to accept the new key and tell them your thumbprint.",
    "key-changed":
      "Its key is not the one that was accepted. Ask its operator, by another way, for the thumbprint (theirs is under Overview, Key) before you accept it under Peers, where both are shown, or with the command accept-key.",
    "runs-twice":
      "Decide which of the two lives: the one that was used last, as a rule. Stop the other for good, and press This copy goes on here, or use the command go-on-here. It then reads back what the other has done. While both run, their accounts would put each other out of their groups.",
    "peer-runs-twice": "Its operator has to say which of the two copies goes on. It goes on by itself then.",
    "clock-before-build":
      "This computer's clock is wrong. Switch on its automatic setting (NTP) in the system's settings of date and time; this provider goes on by itself once it is right.",
    "clock-unset":
      "Its operator has to set the clock of its computer, by the network (NTP). It goes on by itself then.",
    "clock-skew":
      "One of the two clocks is wrong; where other providers tell whose, the sentence above says so. Have its automatic setting (NTP) switched on; where they do not tell, compare this computer's time with a reliable clock first.",
    "signature-expired":
      "One of the two clocks is wrong, or the way is very slow. Compare this computer's time with a reliable clock.",
    "key-unknown":
      "It could not fetch your key. Its operator sees why by a check of your provider from there: most often your certificate has to be trusted there ([peers] extra_roots), your network allowed (allow_networks), or your port is closed, which you can see by a check of your own provider.",
    "answer-key-unknown":
      "Its key was just changed, or its document does not have the key that it signs with. The document is read anew by itself: a key that was not accepted is then shown under Peers. If this lasts, its operator has to see why the document is an old one, as by a cache in front of it.",
    "signature-invalid": "Something on the way changes requests, often a proxy. Let it pass them unchanged.",
    "signature-missing": "Something on the way takes headers off, often a proxy. Let it pass them unchanged.",
    "digest-mismatch": "Something on the way changes contents, often a proxy. Let it pass them unchanged.",
    replayed:
      "It took the request for a repeat. It is sent anew by itself; if it goes on, look for a proxy that sends things twice.",
    "not-here": "It answers under another name. See that the name is spelled as its operator gives it.",
    "feed-reset": "Its feed begins anew, as after a restored backup. The node catches up by itself.",
    "log-forked":
      "Members may have read different things. Ask its operator whether a backup was restored. What is kept of it, and to whom that proves it, stands in the group's details under Groups, and can be saved there. Where its log has taken the place of yours, your users' apps join the group anew.",
    "log-broken":
      "Its log of a group is not the one that it told before, so nothing more of that group is taken until that is settled, which the node tries each minute. Ask its operator whether a backup was restored.",
    "own-log-forked":
      "Your store was set back to an older copy and went on before this provider could be reached. Say so in the group: what was numbered meanwhile does not count. Apps send their messages again; changes of who is in the group have to be made again.",
    "checkpoint-wrong":
      "What it signs of a group's log is not in order. Ask its operator to look at its software.",
    "adopted-unproved":
      "These messages were lost here and came back from its copy. Ask in the group whether they are as they were sent.",
    "feed-truncated":
      "It no longer has what was missed here. The node catches up by itself with what there is.",
    "rate-limited": "It is asked too often. The node waits as long as it was told to.",
    unavailable: "It is too busy at the moment. The node tries again by itself.",
    "store-failing":
      "It keeps nothing that it is given, so nothing gets to its users. Tell its operator, who has to make room on its disk or look at its store.",
    "own-store":
      "This provider keeps nothing that it is given. Overview says since when and why: most often its disk is full, and it goes on by itself when there is room.",
    slow: "It works, but slowly. If it lasts, ask its operator whether its computer or its line has too much to do, and look at your own.",
    "not-asked":
      "You have blocked it, so it is asked for nothing. Let it in under Peers, or with the command set-peer, if that is what you want.",
    "not-allowed": "Its operator has not let you in. Ask them, by another way, to look at their approvals.",
    "no-address":
      "See that the name is spelled rightly and that its domain still exists. The node tries again by itself.",
    "not-fetched":
      "It is switched off, or cannot reach this provider. Ask its operator whether it runs; where it does, have it, or another peer, look at this provider by the Doctor.",
    "connect-failed":
      "It may be switched off, or a firewall is in between. The node tries again by itself; if it lasts, ask its operator whether it runs.",
    "connection-refused":
      "Nothing listens there: most often it is switched off, or the port in the name is wrong. See that the name and its port are right; otherwise ask its operator whether it runs.",
    unreachable:
      "There is no way to its address from here. See that this computer is on the network; otherwise its operator has to look.",
    "connect-timeout":
      "Nothing answers at its address: it may be switched off, or a firewall drops what is sent there. Ask its operator whether it runs, and whether a firewall lets its port pass.",
    "dns-timeout":
      "Its name was not looked up in time. See that this computer is on the network and that its name server answers.",
    "connection-lost":
      "The connection broke while it was used. The node tries again by itself; if it goes on, ask its operator what stands between: a proxy, a firewall or a line that breaks.",
    "certificate-expired": "Its certificate has run out. Its operator has to renew it.",
    "certificate-not-yet-valid":
      "Its certificate is not valid yet. Most often a clock is wrong: compare this computer's time with a reliable clock.",
    "certificate-wrong-name":
      "Its certificate is for another name. See that the name is spelled rightly; otherwise its operator has to mend it.",
    "certificate-unknown-issuer":
      "Nobody this computer trusts has signed its certificate. Its operator needs one of a public authority, or you have to name theirs in [peers] extra_roots.",
    "certificate-self-signed":
      "It has signed its certificate itself, as a provider does until it is given another. Look at its certificate with the button in Repairs, in the Doctor or under Peers, or with the command met-certificate; compare the fingerprint with what its operator tells you by another way, and trust it for this provider. Or its operator gets one of a public authority.",
    "certificate-replaced":
      "Ask its operator, by another way, whether it has a new certificate and which fingerprint (SHA-256) that has. If it is the one that is shown, look at it under Peers and trust it, which takes the place of the old one there; where the old one stands in the file of [peers] extra_roots, put the new tls-cert.pem there too and start this program again. If it is not, somebody else answers there.",
    "certificate-of-authority":
      "Its operator has to make another certificate, which is not an authority's: with openssl req -x509, add -addext basicConstraints=critical,CA:FALSE.",
    "certificate-invalid": "Its certificate cannot be used. Its operator has to replace it.",
    "tls-version":
      "It does not speak TLS 1.3. Its operator has to bring its server, or the proxy in front of it, up to date.",
    "tls-not-spoken":
      "Something that speaks no TLS answers there, such as plain HTTP. See that the port is right; otherwise its operator has to mend it.",
    "tls-timeout":
      "It takes connections and then says nothing: it may hang. The node tries again by itself; if it lasts, tell its operator.",
    "tls-failed":
      "The encrypted handshake broke. The node tries again by itself; if it goes on, tell its operator the sentence above.",
    "address-refused":
      "Its name leads to a private or local address, which is refused unless you allow it: for this provider alone under Peers, or its network in [peers] allow_networks. If it should be at a public address, tell its operator.",
    "document-missing":
      "It publishes no provider document. See that the name is right; otherwise its operator has to mend it.",
    "document-invalid": "Its provider document is not in order. Its operator has to mend it.",
    "response-unsigned":
      "Its answer is not signed; something on the way, often a proxy, may have answered in its place.",
    "proxy-error":
      "A proxy in front of it answers, and cannot reach it: it may be switched off or starting. The node tries again by itself.",
    "proxy-too-large":
      "A proxy in front of it takes less at once than it should. Less is sent by itself; its operator can raise the proxy's limit to 8 MiB. In nginx: client_max_body_size 8m.",
    "pull-cut":
      "Pulls are asked to wait shorter by itself, so what comes may be a little late. When it is mended, try it now: the whole wait is then measured anew. Where the proxy is yours or theirs, let it wait for an answer for at least 75 s. In nginx: proxy_read_timeout 75s.",
    "answer-too-large": "It answers with more than it may. Tell its operator the sentence above.",
    other: "It refuses for a reason that this version does not know. Tell its operator the sentence above.",
    "other-responder": "Another provider has answered in its place. See where its name and its proxy lead.",
    "too-many-items":
      "It tells more at once than it was asked for, and none of it is kept. Tell its operator the sentence above; you can block it.",
    "feed-gap": "It has left items out of its feed. Its operator should look at its store.",
    "feed-behind":
      "Its feed has gone back in time, as after a restored backup. The node catches up by itself.",
    "peer-went-back": "It has gone back in time, as after a restored backup. It catches up by itself.",
    "other-generation": "Its feed begins anew. The node catches up by itself.",
    "peer-shut-out":
      "Let it in again under Peers if those groups are to go on. Otherwise tell the people here, who can leave them, or set this aside.",
    "not-kept":
      "It fetches the same again and again, so nothing new gets to its users. Ask its operator to look at its disk and its store; a check of it tells whether its disk is full. If they are in order, see what the proxy in front of this provider does with long answers.",
    "log-differs":
      "It has another history of a group than you have: a store on one side was restored, or it lies. Ask its operator, by another way, and compare the copies again under Groups.",
    "owner-behind":
      "It has lost what it gave before, most often by a restored backup, and reads it back from those who have it by itself. If it stays so, ask its operator.",
    "added-unproved":
      "Ask the one who was added, by another way, whether they agreed; if not, the group's admins can take them out. Tell its operator the sentence above.",
    "grant-invalid":
      "A proof that somebody agreed to be added does not hold. Ask them to agree anew; if it goes on, tell its operator the sentence above.",
    "feed-hasty":
      "Its software, or a proxy in front of it, ends each pull at once. It is asked less often by itself; tell its operator the sentence above.",
    "foreign-event":
      "It speaks for a group that another provider owns, and none of that is kept. Tell its operator the sentence above.",
    "group-not-followed":
      "The node reads the group anew by itself. If it goes on, tell the operator of the group's owner the sentence above.",
    "item-malformed":
      "Part of its feed was not understood and is left out. Bring both providers up to date, or tell its operator the sentence above.",
    "log-gap":
      "That part of the group's log is gone there. What was said in it is with the members who had read it: ask in the group.",
    "object-wrong":
      "What it gave is not what the log names, and is not taken. If it goes on, tell its operator the sentence above.",
    "roster-wrong":
      "It tells of other members than the group has, and is not believed. Tell its operator the sentence above.",
    "welcome-lost":
      "A user of yours was added, and the way in is lost. The node looks for another by itself; if the group does not appear, have the user added again.",
    "unexpected-status":
      "It, or a proxy in front of it, answers what the protocol does not have. Tell its operator the sentence above.",
    "given-up": "The node stopped waiting for the answer by itself. Nothing has to be done.",
    malformed:
      "One side does not understand what the other sends. Bring both providers up to date, or tell its operator the sentence above.",
    "unsupported-wire-format":
      "It does not take the form in which a client changes a group. Bring that client up to date.",
    "invalid-mls":
      "It does not take what a client sent to a group. Bring that client up to date; if it goes on, tell its operator the sentence above.",
    "not-connected": "The two people are not connected there. Let one ask the other for a connection anew.",
    "not-authorized": "It does not allow that, or the group's rules do not. Ask the group's admins.",
    "not-participant":
      "It does not count the asker among the group's members. The node catches up by itself; if it goes on, ask a member of the group.",
    "not-found":
      "It has nothing by that name, or does not show it to you. See that the name is spelled rightly.",
    conflict:
      "It has something else under the same id, as after a restored backup. Tell its operator the sentence above.",
    "epoch-conflict":
      "Somebody else changed the group first. The change is made anew by the client that wanted it.",
    gone: "It no longer has what was asked for. If it is missed, ask its operator.",
    "too-large": "It takes less at once than was sent. If it goes on, tell its operator the sentence above.",
    "unsupported-media-type":
      "It, or a proxy in front of it, does not take the form in which it is asked. Tell its operator the sentence above.",
    timeout:
      "It took too long. The node tries again by itself; if it goes on, ask its operator whether its computer has too much to do, or a proxy in front of it holds answers back.",
    "name-malformed":
      "Type it as its operator gives it: a domain name such as home.example, with the port behind a colon where it is not 443.",
    "dns-unavailable":
      "This computer cannot look up any name. Connect it to the network, and set a name server that answers in its network settings.",
    "document-redirected":
      "Its operator has to have /.well-known/mtp answered under this very name, with 200. Take that path out of every redirection, such as the one to www or to a sign-in page.",
    "document-refused":
      "Its operator has to let everybody read /.well-known/mtp. Take the password, the sign-in or the firewall rule off that path and off the endpoint.",
    "document-failed":
      "Its server fails at the request for its document. Its operator has to look in the log of the provider, and in that of the proxy in front of it.",
    "document-encoded":
      "Its operator has to send /.well-known/mtp without compression. In nginx: gzip off for that path.",
    "document-web-page":
      "A website answers there. See that the name and the port are spelled as its operator gives them; otherwise its operator has to pass /.well-known/mtp and the endpoint to the provider and not to the website.",
    "document-of-another":
      "Another provider answers there. See that the name and the port are spelled as its operator gives them; otherwise its operator has to lead this name to the right server, or set this name as provider in its configuration.",
    "version-unknown":
      "It speaks no version of the protocol that this provider speaks. Whoever has the older software has to bring it up to date.",
    "document-behind-slash":
      "Its operator has to have the proxy pass the path /.well-known/mtp as it is, without a slash at its end. In nginx: location = /.well-known/mtp, and no path in its proxy_pass.",
    "user-agent-refused":
      "Its operator has to let /.well-known/mtp and the endpoint pass whatever the User-Agent is. Take both out of the protection against bots.",
    "path-changed":
      "Its operator has to have the proxy pass the path as it is, since the signature covers it. In nginx: no path, and no slash, at the end of proxy_pass.",
    "certificate-chain-incomplete":
      "Its operator has to have the server send the whole chain of certificates: the file that holds them all, such as fullchain.pem in place of cert.pem.",
    "own-clock":
      "This computer's clock is wrong. Switch on its automatic setting (NTP) in the system's settings of date and time.",
    "clock-off":
      "It works so far, and stops working if the clocks come to differ by more. Compare this computer's time with a reliable clock; whoever's is wrong has to switch on its automatic setting (NTP).",
    "waits-here": "It waits for your decision. Let it in or block it, under Approvals.",
    "not-listed":
      "You let in only providers that you have added. Add it under Peers, or with the command set-peer, if you want it.",
    "not-introduced":
      "It has not heard of this provider yet. Ask for a connection with somebody there, under Approvals.",
    "limits-low":
      "Large messages do not get there. Its operator has to raise what the provider takes, and what a proxy in front of it takes. In nginx: client_max_body_size 8m.",
    "pull-paused": "You have paused pulling from it. Press Resume under Peers to get what it has for you.",
    "pull-resting":
      "The node tries again by itself. Where a step above fails, that is the reason; once that is mended, Try now under Peers tries at once.",
    "own-document":
      "Something else answers under your name: another program, an older copy of this provider, or a cache. See where your name, your router and your proxy lead, and have them lead here.",
    "own-unreached":
      "This computer does not reach itself at its own address, which many routers do not allow. Ask a peer whether it reaches you; if it does not, have the router pass your port to this computer.",
    "certificate-ends-soon":
      "It still works. The certificate has to be renewed before it runs out, by the operator whose it is; see why that does not happen by itself.",
    "look-back-refused":
      "Ask its operator to allow looks back, or to bring its software up to date. Another peer may do it.",
    "look-back-failed":
      "The peer that was to look could not be asked. Look at that one with the Doctor first, or have another peer look.",
    "endpoint-unproved":
      "Its endpoint is at another host than its name, and what answers there has not proved to be it. Its operator has to see where [mtp] endpoint leads.",
    "address-unproved":
      "Its name leads to addresses where something else answers, or nothing. Its operator has to see what its DNS says, and what answers at each address.",
    "look-back-late":
      "It has taken the request and its answer has not come. See below how your pulls there go, and try again once they go well.",
    "pull-refused":
      "It comes here and is refused, for the reason in the sentence above. Tell its operator that sentence.",
    "pull-key-unknown":
      "Its requests cannot be verified here. What is wrong with its document, or with the way to it, the steps above say; its operator has to see that the document has the key that it signs with.",
    "ipv6-only":
      "Others that have IPv6 reach you. For those that have only IPv4, set an A record too where this connection has an IPv4 address of its own, else have a server of your own in between: docs/reachable.md says how, under IPv6 only.",
    "not-pulled":
      "Its operator has to see that it runs and can reach you. If other peers do not fetch either, see that your own name and port can be reached from outside.",
  } as Record<string, string>,
  /** The same where this provider itself was looked at, as others find it. */
  own: {
    "router-missing":
      "See that this computer is in a network with a router, by cable or WLAN. A virtual machine or a container may have a network of its own: give it its host's.",
    "router-silent":
      "Switch UPnP, NAT-PMP or PCP on in the router, where its settings have it (often under Network, or Port forwarding). Else forward the port by hand there, and take open_port out of the configuration. Where several routers are behind each other, only the nearest is asked.",
    "router-refuses":
      "Allow this computer to open ports by itself in the router's settings, or forward the port by hand there, and take open_port out of the configuration. The router's own words are in the sentence above.",
    "router-port-taken":
      "Take that forwarding out of the router's settings, or stop the program on the other computer that has asked for it. Where both are to be reached, give this provider another port, which then belongs to its name, or have the other one pass on what is for this name.",
    "router-address-shared":
      "No port that is opened here helps. Ask your provider of Internet access for an address of your own, or use IPv6, or a small server of your own in between, with a tunnel from here: docs/reachable.md has the commands for each, under An address that is shared.",
    "router-address-other":
      "Set the address record of the name to the router's address. Where that address changes, let a program follow it, such as [mtp] address_hook. Where a server of your own in between has the name's address, nothing is wrong: ignore this.",
    "address-hook-failed":
      "Run the command by hand with what the sentence above says, as the user that this program runs as, and see why it fails. It is called with the name, the IPv4 and the IPv6 address, and has to end with status 0. It is run again by itself; SIGHUP has serve run it at once.",
    "clock-off":
      "This computer's clock and another provider's differ. Compare this computer's time with a reliable clock, and switch on its automatic setting (NTP) where it is wrong; if it is right, tell that provider's operator.",
    "disk-full":
      "Make room on the disk that has the data folder: nothing that comes in can be kept meanwhile. The node goes on by itself with the first write that succeeds.",
    "store-damaged":
      "Stop the node, and put its data folder back from a backup. Do not go on with a damaged store: what it loses is missed by others too.",
    "store-unwritable":
      "See that the data folder may be written by the user that the node runs as, that no other program holds the store open, and that the disk is sound. The node goes on by itself with the first write that succeeds.",
    "disk-low":
      "Make room on the disk that has the data folder, or move the data folder to a larger one while the node is stopped. Storage under Settings says what takes room, has old messages removed and gives free room back.",
    "traffic-not-kept":
      "Only the record of what crosses the wire is missing: everything else goes on. End the program that holds traffic.sqlite in the data folder, as one that reads or copies it may, and see that the user that the node runs as may write there. It is tried again by itself, and what is in memory is kept then.",
    "backup-failed":
      "See that the folder for backups is there, that the user that the node runs as may write into it, and that there is room. It is tried again every ten minutes; Back up now under Settings tries it at once.",
    "notify-failed":
      "Do what the server says in the sentence above: see that its name, the URL or topic, and the token or password in its file are right, and that it runs. Send a test under Settings tries it at once, and a changed secret in a file is read with it. What is yet to be told is kept meanwhile.",
    "certificate-refused":
      "See that the file and its key are whole and belong together: they are read again within a minute after they change. Until then the one before is shown, which ends some day.",
    "acme-unreachable":
      "See that this computer reaches the Internet, and that [acme] directory is spelled rightly. A directory of your own needs its authority in [acme] extra_roots. It is tried again by itself within the hour; Try to get it now, or SIGHUP, has it tried at once.",
    "acme-challenge":
      "The authority looked at your name from the Internet and did not find this program. See that the name leads to your connection's public address, and that its port leads here: port 443 to [mtp] listen for tls-alpn-01, port 80 to [acme] http_listen for http-01. Take out an AAAA record where your connection has no IPv6. Where a port cannot be had, choose dns-01. Then Try to get it now, or SIGHUP, has it tried at once.",
    "acme-rate-limited":
      "Nothing has to be done but to wait: it is tried again when the authority allows it. To try things out, set [acme] directory to staging, which has wide limits and whose certificates nobody trusts.",
    "acme-refused":
      "Do what the authority says in the sentence above. A CAA record of your domain has to allow it, and a public authority gives none for a name that is private. Where it does not know the account any more, stop the program, remove acme.json from the data folder and start it again.",
    "acme-port":
      "Another program listens there, such as a web server: stop it, or have it pass /.well-known/acme-challenge/ on to another port and name that one in [acme] http_listen. A port under 1024 may need a right (CAP_NET_BIND_SERVICE). Or choose tls-alpn-01, which needs no other port than that of [mtp].",
    "acme-command":
      "Run the command by hand with what the sentence above says, as the user that this program runs as, and see why it fails. It is called with set or clear, the record's name and its value, and has to end with status 0 once the name servers have the record.",
    "acme-unkept":
      "See that the data folder may be written by the user that this program runs as, and that its disk has room. What was ordered is not lost: it is fetched once it can be kept.",
    "name-unresolved":
      "See that provider in the configuration is spelled rightly, and that its domain has an address record (A, or AAAA for IPv6) with the public address of your connection.",
    "name-private":
      "Set the address record of your name to the public address of your connection. Where this provider is meant for your own network only, ignore this, and have each provider there allow that network in [peers] allow_networks.",
    "port-closed":
      "Set [mtp] listen to the port of your name (443 where it has none) and start this program again, or have something forward that port to the one that this program listens on.",
    "own-network":
      "See that this computer is on the network and that a name server answers there. All providers are tried again by themselves as soon as it is.",
    "key-packages-spent":
      "Start the client: it makes new ones by itself. Where it is not used any more, delete it under Accounts, so that nobody adds it.",
    "key-packages-low":
      "Start the client: it makes new ones by itself. Where it is not used any more, delete it under Accounts.",
    "no-address":
      "Your name leads to no address. Where you have registered the domain, add an address record (A, or AAAA for IPv6) with the public address of your connection; others may see it only after some hours. See also that provider in the configuration is spelled rightly.",
    "dns-timeout":
      "Your name was not looked up in time. See that this computer is on the network and that its name server answers. Where a peer has looked, see that the name servers of your domain answer.",
    "dns-unavailable":
      "No name can be looked up on the computer that has looked. Where that is this one, connect it to the network, and set a name server that answers in its network settings.",
    "address-refused":
      "Your name leads to a private or local address, to which others do not connect. Set its address record to the public address of your connection. Where it is meant for your own network only, each provider there allows it: for yours alone under Peers, or the network in [peers] allow_networks.",
    "connection-refused":
      "Nothing takes connections at your address and port. See that this program runs and that [mtp] listen is not on 127.0.0.1, which nobody else reaches, and forward the port in your name (443 where it has none) in your router to this computer.",
    "connect-timeout":
      "Nothing answers at your address: most often a router or a firewall drops what is sent there. Forward the port in your name (443 where it has none) in your router to this computer, and let it pass in this computer's firewall.",
    "connect-failed":
      "No connection to your address comes about. See that the address is the public one of your connection, and forward the port in your name (443 where it has none) in your router to this computer.",
    unreachable:
      "There is no way to your address. See that this computer is on the network, and that the address record of your name has the address that your connection has now; take out an AAAA record where your connection has no IPv6.",
    "own-unreached":
      "This computer does not reach itself at its own address, which many routers do not allow: have a peer look, which can tell. If it does not reach you either, forward the port in your name (443 where it has none) in your router to this computer.",
    "certificate-expired":
      "Your certificate has run out. Renew it in the files of [mtp] tls_cert and tls_key, which are read within a minute after they change; where a proxy in front of it shows the certificate, renew it there. See why that does not happen by itself.",
    "certificate-not-yet-valid":
      "Your certificate is not valid yet. Compare this computer's time with a reliable clock and switch on its automatic setting (NTP). If the clock is right, wait until the certificate begins, or get one that is valid now.",
    "certificate-wrong-name":
      "Your certificate is for another name. Get one for the host in provider, and for that in [mtp] endpoint where it is another, and name its files in [mtp] tls_cert and tls_key. If it is not yours at all, something else answers: forward the port in your router to this computer.",
    "certificate-unknown-issuer":
      "Your certificate is signed by somebody whom others do not trust. Get one of a public authority and name its files in [mtp] tls_cert and tls_key, or give your authority's certificate to the operator of each peer, for [peers] extra_roots there.",
    "certificate-self-signed":
      "Your certificate is signed by itself, as the one is that is made where none is named. Get one of a public authority for your name and name its files in [mtp] tls_cert and tls_key, or give tls-cert.pem of your data folder to the operator of each peer, for [peers] extra_roots there.",
    "certificate-chain-incomplete":
      "Your certificate is sent without those that vouch for it. Name the file that holds them all in [mtp] tls_cert, such as fullchain.pem in place of cert.pem; where a proxy in front of this program shows the certificate, do it there.",
    "certificate-of-authority":
      "Your certificate is an authority's, which no server can use as its own. Make another: with openssl req -x509, add -addext basicConstraints=critical,CA:FALSE.",
    "certificate-invalid":
      "Your certificate cannot be used, for the reason in the sentence above. Get another for your name, name its files in [mtp] tls_cert and tls_key, and start this program again.",
    "certificate-ends-soon":
      "It still works. Renew your certificate before it runs out, and see why that does not happen by itself. Files that change are read within a minute.",
    "tls-version":
      "What answers under your name does not speak TLS 1.3, which this program does: a proxy in front of it is too old, or set so. Switch TLS 1.3 on there. In nginx: ssl_protocols TLSv1.2 TLSv1.3.",
    "tls-not-spoken":
      "Something that speaks no TLS answers at your port, such as plain HTTP. Forward the port in your router to the port of [mtp] listen; where a proxy is in front of this program, switch TLS on there. In nginx: listen 443 ssl.",
    "tls-timeout":
      "Something at your port takes connections and then says nothing. See that your router forwards the port to the port of [mtp] listen, and whether this program, or a proxy in front of it, is overloaded; start it again if so.",
    "tls-failed":
      "The encrypted handshake with you broke. See that your router forwards the port to the port of [mtp] listen, and to no other program; where a proxy is in front of this program, look in its log.",
    "document-missing":
      "Something else than this program answers under your name. Forward the port in your router to the port of [mtp] listen; where a proxy is in front of this program, have it pass /.well-known/mtp and the endpoint here.",
    "document-redirected":
      "Take /.well-known/mtp out of every redirection of the proxy in front of this program, such as the one to www or to a sign-in page. It has to be answered under your very name, with 200.",
    "document-refused":
      "Take the password, the sign-in or the firewall rule off /.well-known/mtp and off the endpoint, in the proxy or the service in front of this program: everybody has to be able to read it.",
    "document-failed":
      "Your server fails at the request for its document. Look in the log of this program, and in that of the proxy in front of it.",
    "document-encoded":
      "Have the proxy in front of this program send /.well-known/mtp without compression. In nginx: gzip off for that path.",
    "document-web-page":
      "A website answers under your name. Where it is yours, have its server pass /.well-known/mtp and the endpoint to this program. Where it is your router's own page, forward the port in the router to this computer.",
    "document-of-another":
      "Another provider answers under your name. See that the name and the port lead to this computer, and that the proxy in front of it passes each name to its own program; see also that provider in the configuration is the name that you mean.",
    "document-invalid":
      "What is answered at /.well-known/mtp under your name is not in order. Have the proxy in front of this program pass it from here unchanged, and not from a file or a cache.",
    "document-behind-slash":
      "Have the proxy in front of this program pass the path /.well-known/mtp as it is, without a slash at its end. In nginx: location = /.well-known/mtp, and no path in its proxy_pass.",
    "user-agent-refused":
      "Take /.well-known/mtp and the endpoint out of the protection against bots that is in front of this program: they have to pass whatever the User-Agent is.",
    "own-document":
      "Something else answers under your name: another program, an older copy of this provider, or a cache. End that copy or empty that cache, and forward the port in your router, and pass it in your proxy, to this program.",
    "path-changed":
      "Have the proxy in front of this program pass the path as it is, since the signature covers it. In nginx: no path, and no slash, at the end of proxy_pass.",
    "response-unsigned":
      "Something in front of this program, most often a proxy, answers in its place or takes headers off its answers. Have it pass the endpoint to this program, and each answer back unchanged.",
    "signature-invalid":
      "Something in front of this program, most often a proxy, changes requests. Have it pass the path, the headers and the contents unchanged.",
    "proxy-error":
      "The proxy in front of this program cannot reach it. See that this program runs, and that the proxy passes to where [mtp] listen says: without TLS where [mtp] behind_proxy is set, otherwise with TLS 1.3. drawbridged proxy-config prints such a configuration.",
    "proxy-too-large":
      "The proxy in front of this program takes less at once than it should. Raise its limit to 8 MiB. In nginx: client_max_body_size 8m.",
    "rate-limited":
      "It was asked too often: a peer looks once a minute for each provider that asks, and six times for all. Wait a minute, and have it look again.",
    timeout:
      "Your answer took too long. See whether this computer is overloaded or its disk is full, and whether a proxy in front of this program holds answers back; then check again.",
    "connection-lost":
      "The connection to you broke while it was used. Check again; if it goes on, look in the log of the proxy in front of this program, and at the router.",
    "own-clock":
      "This computer's clock is wrong. Switch on its automatic setting (NTP) in the system's settings of date and time.",
    "clock-skew":
      "Your clock and that of who has looked differ too much. Compare this computer's time with a reliable clock, and switch on its automatic setting (NTP). If it is right, tell the peer's operator.",
    "key-unknown":
      "The peer could not fetch or find your key. See that it can reach you: forward the port in your name (443 where it has none) in your router to this computer. If it can, something else answers under your name.",
    "look-back-refused":
      "Ask its operator to set [peers] look_back = true, or to bring its software up to date. Or have another peer look.",
    "endpoint-unproved":
      "What answers at [mtp] endpoint has not proved to be this program. See that it leads to this computer's port, through whatever stands in front of it.",
    "address-unproved":
      "Your name leads to addresses where this program did not answer: look up what your DNS says, take out what is not yours, and see that your port is forwarded to this computer from each of the others. What is wrong there is told to nobody, since a name can lead to somebody else's door.",
    "look-back-late":
      "It has taken the request and its answer has not come here. See under Peers how pulling from it goes, and have it look again once that goes well. Or have another peer look.",
  } as Record<string, string>,
  stage: {
    dns: "See that the name is spelled rightly and that its domain still exists. The node tries again by itself.",
    connect:
      "It may be switched off, or a firewall is in between. The node tries again by itself; if it lasts, ask its operator whether it runs.",
    tls: "Its certificate has run out, is for another name, or is not signed by anyone this computer trusts. Its operator has to mend that.",
    document:
      "Something else answers under its name, or it is set up wrongly. Its operator has to mend that.",
    signature:
      "A signature was not accepted. Most often a clock is wrong or a proxy changes requests: compare this computer's time with a reliable clock, and tell its operator the sentence above.",
    policy: "It is a decision of an operator. Talk to them.",
    http: "It answers what nobody asked. A proxy in front of it, or its software, is to blame; tell its operator.",
    content: "Its software breaks the protocol's rules. Tell its operator the sentence above.",
    store: "A store has lost something. The node catches up by itself; if it goes on, restore from a backup.",
  },
} as const;
