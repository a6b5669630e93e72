"""The answer to `reconcile --help`, ready-made: rendering it would take three times as long as showing it.

A test holds it against the options; its failure prints what is to stand here.
"""

HELP = """\
Usage: reconcile [OPTIONS] [COMMAND] [OPTIONS]

  Bring the data-integration associations of Amazon AppIntegrations to what git
  says.

  Creates what is missing, logs what drifted, deletes and repairs nothing.
  Without a command it reconciles once.

Options:
  --dry-run                       Show what a run would do; write nothing.
  -f, --file PATH|-               File or folder of manifests, or - for standard
                                  input. May be repeated.  [default: manifests/]
  --git-url PATH|URL              Read manifests from this git repository
                                  instead, without a checkout.
  --git-ref REF                   Branch, tag or commit to read.  [default:
                                  HEAD]
  --git-path DIR                  Folder or file of manifests in the repository.
                                  [default: manifests]
  --git-verify-key FILE           Accept only commits signed by a key in this
                                  file: ssh's allowed signers, or OpenPGP keys.
  --git-ssh-key FILE              Private key for access by ssh.
  --git-known-hosts FILE          Known hosts for access by ssh; other hosts are
                                  refused.
  --git-token-file FILE           Token for access by https; read again whenever
                                  git asks for it.
  --git-username NAME             User name for the token.  [default: x-access-
                                  token]
  --strict                        Treat warnings as errors.
  -o, --output FORMAT[=FILE]      text, json, markdown, junit, sarif or github,
                                  to standard output or a file. May be repeated.
                                  [default: text]
  --target NAME                   Only this Target. May be repeated.
  --region REGION                 The Region, where no Target declares one.
  --profile NAME                  The profile of the AWS configuration to use.
  --endpoint-url URL              Call this address instead of AWS, with dummy
                                  credentials (for a sandbox).
  --sandbox                       Use a sandbox inside this process instead of
                                  AWS.
  --mode [observe|create|create-and-update]
                                  How far to go; the stricter of this and the
                                  manifest's policy.mode holds.  [default:
                                  create]
  --state DIR|s3://BUCKET/PREFIX  Where the journal is kept; it must last from
                                  run to run.  [default: .reconciler/]
  --new-state [TARGET]            Allow a new journal if this Target has none
                                  (its first run). TARGET may be a glob; without
                                  TARGET: all Targets. May be repeated.
  --settle-time TIME              How long to wait for List to show a Create
                                  whose answer was lost.  [default: 15m]
  --lock-timeout TIME             How long to wait for another run to finish.
                                  [default: 30s]
  --max-creates N                 Most creates in each target; a plan with more
                                  creates none. The stricter of this and
                                  MaxCreates holds.  [x>=0]
  --expect-plan DIGEST|FILE       Write only if the plan is this reviewed one:
                                  sha256:… of a dry run, or the file of its JSON
                                  report.
  --revision TEXT                 The revision of the manifests, for report and
                                  logs.
  --detailed-exitcode             Exit 2 if nothing failed and a difference
                                  between git and AWS remains.
  --fail-on [unmanaged]           With --detailed-exitcode: unmanaged
                                  associations are a difference too.
  --version                       Show the version and exit.
  -h, --help                      Show this message and exit.

Commands:
  run         Reconcile once (what `reconcile` does without a command).
  controller  Reconcile again and again until told to stop.
  health      Ask the controller on this machine how it is.
  validate    Check manifests; no AWS, no credentials.
  explain     Tell all that is known of one association.
  export      Write live associations as manifests.
  status      Show what the journal remembers.
  unlock      Free the lease that a dead run left behind.
  doctor      Check credentials, permissions, buckets and state.
  schema      Print the JSON Schema of a kind.
  sandbox     Serve a local AppIntegrations over HTTP.
"""
