{{/* The name of every resource of the release. */}}
{{- define "reconciler.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "reconciler.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "reconciler.labels" -}}
{{ include "reconciler.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "reconciler.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "reconciler.name" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "reconciler.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/*
Refuse secrets in the settings, because a ConfigMap shows them to everybody who may read the namespace. Refuse settings
that would have no effect, and those that would deprive another value of its effect.
*/}}
{{- define "reconciler.settings" -}}
{{- $secret := .Values.secrets.settings | default (include "reconciler.name" .) -}}
{{- range $name := keys .Values.settings | sortAlpha -}}
{{- if and (regexMatch "SECRET|TOKEN|NOTIFY_URLS" $name) (not (hasSuffix "_FILE" $name)) -}}
{{- fail (printf "settings.%s is a secret: put it into the Secret %s" $name $secret) -}}
{{- end -}}
{{- end -}}
{{- if regexMatch "://[^/]*@" (.Values.settings.RECONCILER_GIT_URL | default "") -}}
{{- if regexMatch "^https?:" .Values.settings.RECONCILER_GIT_URL -}}
{{- fail (printf "settings.RECONCILER_GIT_URL contains a login: put it into the Secret %s" $secret) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "RECONCILER_LISTEN" "RECONCILER_SHUTDOWN_TIMEOUT" -}}
{{- if hasKey $.Values.settings $name -}}
{{- fail (printf "settings.%s has no effect in this chart: remove it" $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.manifestsConfigMap (hasKey .Values.settings "RECONCILER_GIT_URL") -}}
{{- fail "manifestsConfigMap would be ignored, because settings.RECONCILER_GIT_URL is set: remove one of them" -}}
{{- end -}}
{{- toYaml .Values.settings -}}
{{- end -}}

{{/* The specification of the pod, without the parts that only the controller has. */}}
{{- define "reconciler.pod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
serviceAccountName: {{ include "reconciler.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
volumes:
  # git fetches into this volume. The program removes the files afterwards.
  - name: tmp
    emptyDir:
      sizeLimit: 1Gi
  {{- if and .Values.webhook.enabled (eq .Values.mode "controller") }}
  # The program reads the secret for each webhook, so that a changed secret needs no restart.
  - name: webhook
    secret:
      secretName: {{ .Values.secrets.webhook | default (printf "%s-webhook" (include "reconciler.name" .)) }}
      defaultMode: 0440
  {{- end }}
  {{- if .Values.gitSsh.enabled }}
  - name: git
    secret:
      secretName: {{ .Values.secrets.git | default (printf "%s-git" (include "reconciler.name" .)) }}
      defaultMode: 0440
  {{- end }}
  {{- with .Values.manifestsConfigMap }}
  - name: manifests
    configMap:
      name: {{ . }}
  {{- end }}
{{- end -}}

{{/* The container, without its arguments and the parts that only the controller has. */}}
{{- define "reconciler.container" -}}
image: {{ include "reconciler.image" . }}
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
envFrom:
  - configMapRef:
      name: {{ include "reconciler.name" . }}
  # Secret settings, such as a RECONCILER_GIT_URL with a login. They override the ConfigMap.
  - secretRef:
      name: {{ .Values.secrets.settings | default (include "reconciler.name" .) }}
      optional: true
{{- $hasWebhook := and .Values.webhook.enabled (eq .Values.mode "controller") }}
{{- if or $hasWebhook .Values.gitSsh.enabled }}
env:
  {{- if .Values.gitSsh.enabled }}
  - name: RECONCILER_GIT_SSH_KEY
    value: /etc/reconciler/git/ssh-privatekey
  - name: RECONCILER_GIT_KNOWN_HOSTS
    value: /etc/reconciler/git/known_hosts
  {{- end }}
  {{- if $hasWebhook }}
  - name: RECONCILER_WEBHOOK_SECRET_FILE
    value: /etc/reconciler/webhook/secret
  {{- end }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if $hasWebhook }}
  - name: webhook
    mountPath: /etc/reconciler/webhook
    readOnly: true
  {{- end }}
  {{- if .Values.gitSsh.enabled }}
  - name: git
    mountPath: /etc/reconciler/git
    readOnly: true
  {{- end }}
  {{- if .Values.manifestsConfigMap }}
  - name: manifests
    mountPath: /srv/reconciler/manifests
    readOnly: true
  {{- end }}
{{- end -}}
