/** What can be done about something that is wrong: the place where it is decided, and the commands there are. */
import { Link } from "@tanstack/react-router";
import { RotateCw, Stethoscope } from "lucide-react";
import type { Repair } from "@/bindings/Repair";
import { TryIssuance } from "@/domain/node/TryIssuance";
import { ADDRESS_REFUSED, AllowAddress } from "@/domain/peer/AllowAddress";
import { usePeerActions } from "@/domain/peer/hooks";
import { isNotVouchedFor, TrustCertificate } from "@/domain/peer/TrustCertificate";
import { useRepairActions } from "@/domain/repair/hooks";
import { Button, buttonClass } from "@/shared/Button";
import { t } from "@/text";

const icon = "size-3.5";

export function RepairActions({ repair }: { repair: Repair }) {
  const { subject, kind, code } = repair;
  switch (subject.type) {
    case "peer":
      return <PeerActions provider={subject.provider} code={code} />;
    case "group":
      return (
        <Link to="/groups" search={{ open: subject.group }} className={buttonClass({})}>
          {t.repairs.openGroup}
        </Link>
      );
    case "client":
      return (
        <Link to="/accounts" className={buttonClass({})}>
          {t.repairs.openAccounts}
        </Link>
      );
    case "certificate":
      return (
        <>
          {kind === "issuance" && <TryIssuance />}
          <CheckUs />
        </>
      );
    case "target":
      return (
        <Link to="/settings" className={buttonClass({})}>
          {t.repairs.openSettings}
        </Link>
      );
    case "node":
      if (kind === "copy") return <GoOnHere />;
      if (kind === "traffic")
        return (
          <Link to="/traffic" className={buttonClass({})}>
            {t.repairs.openTraffic}
          </Link>
        );
      return kind === "store" || kind === "clock" ? (
        <Link to="/" className={buttonClass({})}>
          {t.repairs.openOverview}
        </Link>
      ) : (
        <CheckUs />
      );
  }
}

function GoOnHere() {
  const { goOnHere } = useRepairActions();
  return (
    <Button look="primary" title={t.repairs.goOnHereHint} onClick={goOnHere}>
      {t.repairs.goOnHere}
    </Button>
  );
}

function CheckUs() {
  return (
    <Link to="/doctor" search={{ self: 1 }} title={t.doctor.checkMeHint} className={buttonClass({})}>
      <Stethoscope className={icon} aria-hidden="true" />
      {t.repairs.checkUs}
    </Link>
  );
}

/** Nobody is asked where the operator has to decide first, or where that other operator has. */
const NOT_TRIED = new Set(["key-changed", "peer-blocked"]);

function PeerActions({ provider, code }: { provider: string; code: string }) {
  const actions = usePeerActions();
  return (
    <>
      {code === ADDRESS_REFUSED && <AllowAddress provider={provider} />}
      {isNotVouchedFor({ code }) && <TrustCertificate provider={provider} />}
      {!NOT_TRIED.has(code) && (
        <Button
          icon={<RotateCw className={icon} aria-hidden="true" />}
          onClick={() => void actions.retry(provider)}
        >
          {t.repairs.retry}
        </Button>
      )}
      {code !== "key-changed" && (
        <Link to="/doctor" search={{ provider }} title={t.peers.checkHint} className={buttonClass({})}>
          <Stethoscope className={icon} aria-hidden="true" />
          {t.repairs.check}
        </Link>
      )}
      <Link
        to="/peers"
        search={{ open: provider }}
        className={buttonClass({ look: code === "key-changed" ? "primary" : "plain" })}
      >
        {code === "key-changed" ? t.repairs.newKey : t.repairs.openPeer}
      </Link>
    </>
  );
}
