import { Link } from "@tanstack/react-router";
import { t } from "@/text";

const appearance = "whitespace-nowrap text-accent underline underline-offset-2";

/** From what is wrong with a provider to the doctor, who finds out why. */
export function LookLink({ provider }: { provider: string }) {
  return (
    <Link to="/doctor" search={{ provider }} title={t.peers.checkHint} className={appearance}>
      {t.peers.lookInto}
    </Link>
  );
}

/** From what is wrong with this provider itself to the doctor. */
export function OwnLookLink() {
  return (
    <Link to="/doctor" search={{ self: 1 }} title={t.doctor.checkMeHint} className={appearance}>
      {t.doctor.checkMe}
    </Link>
  );
}
