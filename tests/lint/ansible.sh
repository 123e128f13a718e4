#!/usr/bin/env bash
# The roles and playbooks: ansible-lint's production profile, yamllint, and that the argument specs tell of every variable that an
# inventory may set. What is not installed is skipped and said so.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../ansible"
status=0

if command -v ansible-lint >/dev/null; then
  ansible-lint --nocolor --offline --profile production || status=1
else
  echo "skipped: ansible-lint is not installed"
fi
if command -v yamllint >/dev/null; then
  yamllint --strict . || status=1
else
  echo "skipped: yamllint is not installed"
fi

for name in $(comm -23 <(grep -rhoE '\bsonde_[a-z_]+' roles/*/{tasks,templates,defaults,vars} | grep -vxE 'sonde_(agents|coordinator|public_key)|sonde_' | sort -u) \
  <(cat roles/*/meta/argument_specs.yml | grep -oE '^ +sonde_[a-z_]+:' | tr -d ' :' | sort -u)); do
  echo "roles: $name is read, and no meta/argument_specs.yml tells of it"
  status=1
done
if command -v ansible-doc >/dev/null; then
  for role in agent coordinator common; do
    ANSIBLE_CONFIG=ansible.cfg ansible-doc -t role -r roles "$role" >/dev/null || status=1
  done
fi
exit $status
