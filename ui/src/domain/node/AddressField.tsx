import { type ComponentProps, useEffect, useState } from "react";
import type { NameKind } from "@/bindings/NameKind";
import { TextField } from "@/shared/form";
import { t } from "@/text";
import { type Admin, sentence, useAdmin } from "./admin";

/** What is meant by what was typed, or why nothing is. */
export type Meant = { name: string } | { fault: string };

export async function readName(admin: Admin, kind: NameKind, text: string): Promise<Meant> {
  if (text === "") return { fault: t.app.nothingNamed[kind] };
  try {
    return await admin.call("read-name", { kind, text });
  } catch (fault) {
    return { fault: sentence(fault) };
  }
}

/** A field for a provider, a person or a group. Where more is meant than was typed, that is shown as one types. */
export function AddressField({
  kind,
  value,
  error,
  ...rest
}: ComponentProps<typeof TextField> & { kind: NameKind; value: string }) {
  const admin = useAdmin();
  const [meant, setMeant] = useState<string | null>(null);
  useEffect(() => {
    let latest = true;
    setMeant(null);
    if (value === "") return;
    void readName(admin, kind, value).then((read) => {
      if (latest && "name" in read && read.name !== value) setMeant(read.name);
    });
    return () => {
      latest = false;
    };
  }, [admin, kind, value]);
  return (
    <div>
      <TextField value={value} error={error ?? null} {...rest} />
      <p aria-live="polite" className="text-sm">
        {meant !== null && (
          <>
            {t.app.means} <span className="font-medium break-all">{meant}</span>
          </>
        )}
      </p>
    </div>
  );
}
