//! The one list of commands. The desktop's Tauri command, the daemon's `POST /admin/v1/{command}` and the
//! TypeScript client all come from it; a command without a handler does not compile.

commands! {
    "status": Empty => Status,
    "set-up": SetUp => Empty,
    "start-demo": Empty => Empty,
    "leave-demo": Empty => Empty,
    "demo": Empty => Demo,
    "run-demo-node": RunDemoNode => Empty,
    "demo-ask": DemoAsk => Connecting,

    "approvals": Empty => Approvals,
    "set-peer": SetPeer => Peer,
    "ignore-peer": NamedPeer => Empty,
    "decide-connection": DecideConnection => Connection,
    "rules": Empty => Rules,
    "set-rule": SetRule => Rules,

    "peers": Empty => Peers,
    "peer": NamedPeer => Peer,
    "retry-peer": NamedPeer => Peer,
    "pause-peer": PausePeer => Peer,
    "accept-key": NamedPeer => Peer,
    "check": NamedPeer => Check,
    "strangers": SetStrangers => SetStrangers,
    "tell-declined": TellDeclined => TellDeclined,

    "traffic": TrafficQuery => TrafficList,

    "connect": Connect => Connecting,
    "connections": Empty => Connections,

    "users": Empty => Users,
    "create-user": CreateUser => CreatedUser,
    "set-user-rule": SetUserRule => User,
    "create-client": NamedClient => Token,
    "new-token": NamedClient => Token,
    "delete-client": NamedClient => Empty,
}
