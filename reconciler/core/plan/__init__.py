"""Plans of runs: one decision for each manifest, from git, AWS and the journal, within the guardrails."""
