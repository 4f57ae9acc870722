/** Fields, switches and choices. */
import { Switch as RadixSwitch, ToggleGroup } from "radix-ui";
import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "./class";

const control =
  "min-w-0 rounded-md border border-control bg-surface px-2 text-ink placeholder:text-muted aria-invalid:border-bad";

/** A labelled text field with its hint, or with what is wrong in the hint's place. */
export function TextField({
  label,
  hint,
  error,
  className,
  ...rest
}: { label: string; hint?: ReactNode; error?: string | null } & ComponentProps<"input">) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block font-medium">
        {label}
      </label>
      <input
        id={id}
        className={cx(control, "h-8 w-full")}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        aria-invalid={error != null}
        aria-describedby={`${id}-hint`}
        {...rest}
      />
      <p id={`${id}-hint`} className={cx("mt-1 text-sm", error != null ? "text-bad" : "text-muted")}>
        {error ?? hint}
      </p>
    </div>
  );
}

export function Select({
  label,
  hideLabel,
  className,
  children,
  ...rest
}: { label: string; hideLabel?: boolean } & ComponentProps<"select">) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className={hideLabel ? "sr-only" : "mb-1 block font-medium"}>
        {label}
      </label>
      <select
        id={id}
        className={cx(
          control,
          hideLabel ? "h-7 max-w-60 pr-1 max-sm:w-full max-sm:max-w-none" : "h-8 w-full",
        )}
        {...rest}
      >
        {children}
      </select>
    </div>
  );
}

export function SearchField({ label, className, ...rest }: { label: string } & ComponentProps<"input">) {
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={label}
      className={cx(control, "h-7 w-full", className)}
      autoComplete="off"
      spellCheck={false}
      {...rest}
    />
  );
}

export function Switch({
  label,
  text,
  checked,
  onChange,
  disabled,
  testId,
  hideLabel,
}: {
  label: string;
  text?: ReactNode;
  checked: boolean;
  onChange: (on: boolean) => void;
  disabled?: boolean;
  testId?: string;
  hideLabel?: boolean;
}) {
  const id = useId();
  return (
    <div className="flex items-start gap-3">
      <RadixSwitch.Root
        id={id}
        checked={checked}
        onCheckedChange={onChange}
        disabled={disabled ?? false}
        data-testid={testId}
        aria-describedby={text === undefined ? undefined : `${id}-text`}
        {...(hideLabel ? { "aria-label": label } : {})}
        className="relative mt-0.5 inline-flex h-[1.125rem] w-8 shrink-0 items-center rounded-full border border-control bg-sunken transition-colors before:absolute before:-inset-1.5 disabled:opacity-50 data-[state=checked]:border-accent-fill data-[state=checked]:bg-accent-fill"
      >
        <RadixSwitch.Thumb className="block size-3 translate-x-0.5 rounded-full bg-control transition-transform data-[state=checked]:translate-x-[1rem] data-[state=checked]:bg-accent-ink" />
      </RadixSwitch.Root>
      {!hideLabel && (
        <div className="min-w-0">
          <label htmlFor={id} className="font-medium">
            {label}
          </label>
          {text !== undefined && (
            <p id={`${id}-text`} className="text-sm text-muted">
              {text}
            </p>
          )}
        </div>
      )}
    </div>
  );
}

/** A choice of one among few. */
export function Segments<V extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: V;
  options: readonly { value: V; text: ReactNode; title?: string }[];
  onChange: (value: V) => void;
}) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={(next) => next !== "" && onChange(next as V)}
      className="inline-flex h-7 shrink-0 rounded-md border border-line-strong bg-sunken p-px"
    >
      {options.map((option) => (
        <ToggleGroup.Item
          key={option.value}
          value={option.value}
          title={option.title}
          className="rounded-[0.3rem] px-2.5 text-muted data-[state=on]:bg-surface data-[state=on]:font-medium data-[state=on]:text-ink data-[state=on]:shadow-[0_0_0_1px_var(--line-strong)]"
        >
          {option.text}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}

/** A choice that needs a sentence for each option. */
export function Choices<V extends string>({
  label,
  text,
  value,
  options,
  onChange,
}: {
  label: string;
  text?: string;
  value: V;
  options: readonly { value: V; title: string; text: string }[];
  onChange: (value: V) => void;
}) {
  const name = useId();
  return (
    <fieldset>
      <legend className="font-medium">{label}</legend>
      {text !== undefined && <p className="mb-2 text-sm text-muted">{text}</p>}
      <div className="grid gap-px">
        {options.map((option) => (
          <label
            key={option.value}
            className="flex items-start gap-2.5 rounded-md px-2 py-1.5 hover:bg-hover has-checked:bg-accent-soft"
          >
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
              className="mt-0.5 size-4 shrink-0 accent-accent-fill"
            />
            <span>
              <span className="font-medium">{option.title}</span>
              <span className="block text-sm text-muted">{option.text}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function Checkbox({ label, className, ...rest }: { label: string } & ComponentProps<"input">) {
  return (
    <span className={cx("relative inline-flex size-6 shrink-0 items-center justify-center", className)}>
      <input type="checkbox" aria-label={label} className="size-4 accent-accent-fill" {...rest} />
    </span>
  );
}
