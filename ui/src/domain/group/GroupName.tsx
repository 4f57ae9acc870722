import { Alias } from "@/domain/demo/Alias";
import { groupOf } from "@/domain/node/identifiers";
import { nameText } from "@/shared/text";
import { Ident } from "@/shared/values";

/** A group: what it is called, if anything, then its address; what is copied is the address. */
export function GroupName({ uri, name }: { uri: string; name?: string | null | undefined }) {
  const group = groupOf(uri);
  const called = nameText(name ?? "");
  return (
    <Ident value={uri} what="address">
      <span title={uri}>
        {called !== "" && (
          <>
            <bdi className="font-semibold">{called}</bdi>{" "}
          </>
        )}
        <span className={called !== "" ? "text-muted" : "font-semibold"}>{group?.name ?? uri}</span>
        {group !== null && (
          <span className="text-muted">
            {" "}
            @ {group.provider}
            <Alias provider={group.provider} />
          </span>
        )}
      </span>
    </Ident>
  );
}
