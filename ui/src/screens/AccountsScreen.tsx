import { Eraser, Plus } from "lucide-react";
import { useState } from "react";
import type { Rule } from "@/bindings/Rule";
import type { User } from "@/bindings/User";
import type { UserRule } from "@/bindings/UserRule";
import { useRules, useUsers } from "@/domain/account/hooks";
import { NewAccountForm } from "@/domain/account/NewAccountForm";
import { Alias } from "@/domain/demo/Alias";
import { ForgetDialog } from "@/domain/forget/ForgetDialog";
import { sentence, useAdmin } from "@/domain/node/admin";
import { useNode } from "@/domain/node/hooks";
import { useActions } from "@/shared/actions";
import { useDialogPlace } from "@/shared/address";
import { Button } from "@/shared/Button";
import { Dialog } from "@/shared/Dialog";
import { Select } from "@/shared/form";
import { Empty, Fault, Loading, Panel, Screen } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { toast } from "@/shared/toast";
import { Ago, Ident } from "@/shared/values";
import { t } from "@/text";
import { Clients } from "./accounts/Clients";
import { Contacts } from "./accounts/Contacts";
import { Here } from "./accounts/Here";

/** Who lives here? */
export function AccountsScreen() {
  const users = useUsers();
  const us = useNode()?.provider ?? "";
  const [making, setMaking] = useDialogPlace("new");
  const list = users.data?.users;
  useActions([
    {
      id: "accounts.new",
      title: t.accounts.create,
      group: t.palette.groups.act,
      keys: ["n"],
      keyOnly: true,
      run: () => setMaking(true),
    },
  ]);
  return (
    <Screen
      title={t.accounts.title}
      actions={
        <Button icon={<Plus className="size-3.5" aria-hidden="true" />} onClick={() => setMaking(true)}>
          {t.accounts.create}
        </Button>
      }
    >
      <div className="grid gap-4">
        {users.error !== null && list === undefined && (
          <Fault onRetry={() => void users.refetch()}>{sentence(users.error)}</Fault>
        )}
        {list === undefined ? (
          users.error === null && <Loading />
        ) : list.length === 0 ? (
          <div className="rounded-lg border border-line bg-surface">
            <Empty action={<Button onClick={() => setMaking(true)}>{t.accounts.create}</Button>}>
              <span className="font-medium text-ink">{t.accounts.empty}</span> {t.accounts.emptyHint}
            </Empty>
          </div>
        ) : (
          list.map((user) => <Account key={user.name} user={user} />)
        )}
        <Rules />
      </div>
      <Dialog
        open={making}
        onClose={() => setMaking(false)}
        title={t.accounts.create}
        text={t.accounts.createText}
      >
        <NewAccountForm us={us} onDone={() => setMaking(false)} />
      </Dialog>
    </Screen>
  );
}

function Account({ user }: { user: User }) {
  const admin = useAdmin();
  const [deleting, setDeleting] = useState(false);
  const change = async (rule: UserRule) => {
    try {
      await admin.call("set-user-rule", { user: user.name, rule });
      toast(t.settings.saved);
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    }
    void admin.refresh("users");
  };
  return (
    <Panel
      title={user.name}
      flush
      actions={
        <span className="text-sm text-muted">
          {t.accounts.connections(user.connections)} · {t.accounts.created} <Ago at={user.created} />
        </span>
      }
    >
      <div className="flex flex-wrap items-center gap-x-8 gap-y-2 px-3 py-2">
        <Ident value={user.uri} what="address" className="mr-auto" />
        <Select
          label={t.accounts.rule}
          className="w-72 max-w-full"
          value={user.rule}
          onChange={(event) => void change(event.target.value as UserRule)}
        >
          <option value="ask">{t.accounts.ruleOption.ask}</option>
          <option value="allow">{t.accounts.ruleOption.allow}</option>
        </Select>
      </div>
      <Here user={user} />
      <Clients user={user} />
      <Contacts user={user} />
      <div className="flex justify-end border-t border-line px-3 py-2">
        <Button
          small
          look="wary"
          aria-label={t.forget.account.buttonOf(user.name)}
          icon={<Eraser className="size-3.5" aria-hidden="true" />}
          onClick={() => setDeleting(true)}
        >
          {t.forget.account.button}
        </Button>
      </div>
      <ForgetDialog
        of={deleting ? { kind: "account", user: user.name } : null}
        title={t.forget.account.title(user.name)}
        action={t.forget.account.action(user.name)}
        said={t.forget.account.done(user.name)}
        onClose={() => setDeleting(false)}
      />
    </Panel>
  );
}

function Rules() {
  const rules = useRules();
  const admin = useAdmin();
  const list = rules.data?.rules;
  const remove = async ({ from, user, rule }: Rule) => {
    const named = user === null ? { from } : { from, user };
    try {
      await admin.call("set-rule", named);
      toast(t.approvals.done.ruleRemoved(from), {
        undo: () => void admin.call("set-rule", { ...named, rule }).then(() => admin.refresh("rules")),
      });
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    }
    void admin.refresh("rules");
  };
  return (
    <Panel title={t.accounts.rules} hint={t.accounts.rulesText} flush>
      {rules.error !== null && list === undefined ? (
        <Fault onRetry={() => void rules.refetch()}>{sentence(rules.error)}</Fault>
      ) : list === undefined ? (
        <Loading />
      ) : list.length === 0 ? (
        <Empty>{t.accounts.rulesEmpty}</Empty>
      ) : (
        <ul className="divide-y divide-line">
          {list.map((rule) => (
            <li key={`${rule.user} ${rule.from}`} className="flex flex-wrap items-center gap-x-3 px-3 py-1.5">
              <StateWord
                tone={rule.rule === "allow" ? "ok" : "bad"}
                shape={rule.rule === "allow" ? "tick" : "square"}
              >
                {t.accounts.ruleKind[rule.rule]}
              </StateWord>
              <Ident value={rule.from} what="address" className="font-semibold" />
              <Alias provider={rule.from} />
              <span className="text-muted">{t.accounts.ruleFor(rule.user)}</span>
              <span className="ml-auto text-sm text-muted">
                {t.accounts.since} <Ago at={rule.since} />
              </span>
              <Button
                small
                aria-label={t.accounts.ruleRemoveFor(rule.from)}
                onClick={() => void remove(rule)}
              >
                {t.accounts.ruleRemove}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
