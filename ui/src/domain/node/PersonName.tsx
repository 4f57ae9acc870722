import { Alias } from "@/domain/demo/Alias";
import { Ident } from "@/shared/values";
import { person } from "./identifiers";

/** A person: the name first, then where; nothing is left out, and what is copied is the address. */
export function PersonName({ uri, us }: { uri: string; us?: string | undefined }) {
  const who = person(uri);
  return (
    <Ident value={uri} what="address">
      <span title={uri}>
        <span className="font-semibold">{who?.name ?? uri}</span>
        {who !== null && who.provider !== us && (
          <span className="text-muted">
            {" "}
            @ {who.provider}
            <Alias provider={who.provider} />
          </span>
        )}
      </span>
    </Ident>
  );
}
