# shellcheck shell=bash
# Sourced by scripts/test and scripts/test-home: runs what is tested in parts, all of it even where some fails, and counts it.
#
# Each part's output is kept in the folder $logs. No part takes longer than $part_time seconds.

rm -rf "$logs"
mkdir -p "$logs" || die "cannot write to $logs"
part_time=${part_time:-1500}
passed=0 failed=0 skipped=0 failed_parts=()

# part NAME KIND COMMAND…: runs a part and adds up what it did.
part() {
  local name=$1 kind=$2 report="$logs/$1.log" began=$SECONDS ended p f s
  shift 2
  if [ "$kind" = nextest ]; then
    report=$junit
    rm -f "$report"
  fi
  say "$name"
  # A part that hangs must not take the others with it.
  timeout --kill-after=30 "$part_time" "$@" </dev/null 2>&1 | tee "$logs/$name.log"
  ended=${PIPESTATUS[0]}
  [ "$ended" = 124 ] && echo "error: $name did not end in $((part_time / 60)) minutes" | tee -a "$logs/$name.log"
  # Without a count there is no saying that it went well.
  read -r p f s < <(scripts/count "$kind" "$ended" <"$report") || { p=0 f=1 s=0; }
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  [ "$f" = 0 ] || failed_parts+=("$name")
  printf '%-16s %4d passed %4d failed %4d skipped %5d s\n' "$name" "$p" "$f" "$s" $((SECONDS - began)) \
    >>"$logs/parts"
}

# tell_failures: what failed in each part that did, its output first and then the names.
tell_failures() {
  local name found names=()
  for name in "${failed_parts[@]}"; do
    say "failed: $name"
    found=()
    [ "$name" = tests ] && [ -e "$junit" ] && mapfile -t found < <(scripts/failed-tests names <"$junit")
    if [ ${#found[@]} = 0 ]; then
      tail -n 40 "$logs/$name.log"
    else
      scripts/failed-tests output <"$junit"
      names+=("${found[@]}")
    fi
  done
  printf 'failed: %s\n' "${names[@]}" "${failed_parts[*]} (see $logs)"
}

# finish: the table of the parts, what failed, and the sum, which is the last line. Fails where something has.
finish() {
  say "all parts"
  cat "$logs/parts"
  [ ${#failed_parts[@]} = 0 ] || tell_failures
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ]
}
