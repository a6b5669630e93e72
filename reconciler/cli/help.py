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
  --git-ref REF                   Its branch, tag or commit to read.  [default:
                                  HEAD]
  --git-path DIR                  Its folder or file of manifests.  [default:
                                  manifests]
  --git-verify-key FILE           Take only commits signed by a key of this
                                  file: ssh's allowed signers, or OpenPGP keys.
  --git-ssh-key FILE              The private key to reach it with, by ssh.
  --git-known-hosts FILE          The hosts to know, and no others, by ssh.
  --git-token-file FILE           The token to reach it with, by https: read
                                  whenever git asks for it.
  --git-username NAME             The name that goes with the token.  [default:
                                  x-access-token]
  --strict                        Take what is only unwise in manifests for
                                  wrong.
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
  --new-state [TARGET]            Begin the journal of this Target (a glob; all
                                  without one) where there is none: for its
                                  first run. May be repeated.
  --settle-time TIME              How long to wait for List to show a Create
                                  whose answer was lost.  [default: 15m]
  --lock-timeout TIME             How long to wait for another run to finish.
                                  [default: 30s]
  --max-creates N                 Create at most so many in each target, or
                                  none; the stricter of this and its MaxCreates
                                  holds.  [x>=0]
  --expect-plan DIGEST|FILE       Write nothing unless the plan is this reviewed
                                  one: sha256:… of a dry run, or the file of its
                                  JSON report.
  --revision TEXT                 The revision of the manifests, for report and
                                  logs.
  --detailed-exitcode             Exit 2 where nothing failed and a difference
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
