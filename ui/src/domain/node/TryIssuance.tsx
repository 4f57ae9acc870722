import { RotateCw } from "lucide-react";
import { Button } from "@/shared/Button";
import { toast } from "@/shared/toast";
import { t } from "@/text";
import { sentence, useAdmin } from "./admin";

/** Has a certificate that was not got by ACME tried at once, as SIGHUP does. */
export function TryIssuance({ small }: { small?: boolean }) {
  const admin = useAdmin();
  const start = async () => {
    try {
      await admin.call("try-issuance", {});
      toast(t.overview.own.issuanceTried);
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    }
  };
  return (
    <Button
      small={small ?? false}
      data-testid="try-issuance"
      icon={<RotateCw className="size-3.5" aria-hidden="true" />}
      onClick={() => void start()}
    >
      {t.overview.own.issuanceTry}
    </Button>
  );
}
