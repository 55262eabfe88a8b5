{{/* The name of most objects. It does not follow the release's, so that the kustomizations and every release have one set of names. */}}
{{- define "acr-replication-operator.name" -}}
{{ .Values.fullnameOverride | default "acr-replication-operator" }}
{{- end }}

{{- define "acr-replication-operator.account" -}}
{{ .Values.serviceAccount.name | default (include "acr-replication-operator.name" .) }}
{{- end }}

{{/* The pods' selector: the name alone, since a Deployment's selector can never change. */}}
{{- define "acr-replication-operator.selector" -}}
matchLabels: { app.kubernetes.io/name: {{ include "acr-replication-operator.name" . | quote }} }
{{- end }}

{{/* The labels of an object or pod, with those of its own in .labels. */}}
{{- define "acr-replication-operator.labels" -}}
{{- $recommended := dict
  "app.kubernetes.io/name" (include "acr-replication-operator.name" .root)
  "app.kubernetes.io/instance" .root.Release.Name
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/component" (.component | default "operator")
  "app.kubernetes.io/part-of" "acr-replication-operator"
  "app.kubernetes.io/managed-by" .root.Release.Service
}}
{{- toYaml (merge $recommended (.labels | default dict) (.root.Values.labels | default dict)) }}
{{- end }}

{{/* The metadata of an object: its name with .suffix, or .name; .namespace where it has one; .component, .labels and .annotations of its own. */}}
{{- define "acr-replication-operator.metadata" -}}
metadata:
  name: {{ .name | default (print (include "acr-replication-operator.name" .root) (.suffix | default "")) | quote }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- include "acr-replication-operator.labels" . | nindent 4 }}
  {{- with merge dict (.annotations | default dict) (.root.Values.annotations | default dict) }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The subject and role of a binding: .kind with .suffix for .account. */}}
{{- define "acr-replication-operator.grant" -}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ print (include "acr-replication-operator.name" .root) (.suffix | default "") | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ .account | default (include "acr-replication-operator.account" .root) | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end }}

{{/* Grants the operator a Role in .namespace, or a ClusterRole without one. It ends inside the role, so that the caller adds the rules. */}}
{{- define "acr-replication-operator.role" -}}
{{- $kind := ternary "Role" "ClusterRole" (not (empty .namespace)) -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
{{ include "acr-replication-operator.metadata" . }}
{{ include "acr-replication-operator.grant" (merge (dict "kind" $kind) .) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
{{ include "acr-replication-operator.metadata" . }}
{{- end }}

{{/* The rule for a source of regions: plural.group, or plural of the core group. */}}
{{- define "acr-replication-operator.source-rule" -}}
- apiGroups: [{{ join "." (rest (splitList "." .)) | quote }}]
  resources: [{{ first (splitList "." .) | quote }}]
  verbs: [list, watch]
{{- end }}

{{/* The text of a flag's value. Helm reads 1000000 as a float, and would print 1e+06. */}}
{{- define "acr-replication-operator.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* The proxy's port; empty where no value names one. */}}
{{- define "acr-replication-operator.proxy-port" -}}
{{- if .Values.proxy.port }}{{ int .Values.proxy.port }}{{ else }}{{ regexFind ":[0-9]+/?$" .Values.proxy.url | trimAll ":/" }}{{ end }}
{{- end }}

{{/* The spec of an object that a file of the chart holds. */}}
{{- define "acr-replication-operator.spec" -}}
{{ regexFind "(?ms)^spec:.*" (.root.Files.Get .file) }}
{{- end }}
