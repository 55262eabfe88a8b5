{{/* The environment variables of the operator. */}}
{{- define "acr-replication-operator.env" -}}
- { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
{{- if .Values.metrics.secure }}
- { name: METRICS_SECURE, value: "true" }
{{- end }}
{{- if .Values.metrics.certificateSecret }}
- { name: METRICS_CERT_DIR, value: /etc/metrics-certificate }
{{- end }}
{{- with .Values.watchNamespaces }}
- { name: WATCH_NAMESPACES, value: {{ join "," . | quote }} }
{{- end }}
{{- with .Values.watchLabelSelector }}
- { name: WATCH_LABEL_SELECTOR, value: {{ . | quote }} }
{{- end }}
{{- if eq .Values.azure.identity "None" }}
- { name: DEFAULT_IDENTITY, value: deny }
{{- end }}
{{- if ne .Values.defaultRegistries "allow" }}
- { name: DEFAULT_REGISTRIES, value: {{ .Values.defaultRegistries | quote }} }
{{- end }}
{{- include "acr-replication-operator.azure-env" .Values.azure }}
{{- with .Values.proxy }}
{{- if .existingSecret }}
- { name: HTTPS_PROXY, valueFrom: { secretKeyRef: { name: {{ .existingSecret | quote }}, key: HTTPS_PROXY } } }
{{- else if .url }}
- { name: HTTPS_PROXY, value: {{ .url | quote }} }
{{- end }}
{{- with .noProxy }}
- { name: NO_PROXY, value: {{ . | quote }} }
{{- end }}
{{- end }}
{{- if .Values.privateCA }}
- { name: NODE_EXTRA_CA_CERTS, value: /etc/private-ca/ca.crt }
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "acr-replication-operator.azure-env" }}
{{- if has .identity (list "WorkloadIdentity" "ManagedIdentity") }}
# No other credential is tried, so an error is one clear line.
- { name: AZURE_TOKEN_CREDENTIALS, value: {{ .identity }}Credential }
{{- end }}
{{- if ne .identity "WorkloadIdentity" }}
{{- with .clientId }}
- { name: AZURE_CLIENT_ID, value: {{ . | quote }} }
{{- end }}
{{- with .tenantId }}
- { name: AZURE_TENANT_ID, value: {{ . | quote }} }
{{- end }}
{{- end }}
{{- /*
  Microsoft Entra ID of the national clouds (https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud). The
  operator knows the endpoint and the audience of Azure Resource Manager there (src/azure/cloud.ts).
*/}}
{{- with get (dict "USGovernment" "https://login.microsoftonline.us" "China" "https://login.partner.microsoftonline.cn") .cloud }}
- { name: AZURE_AUTHORITY_HOST, value: {{ . | quote }} }
{{- end }}
{{- if eq .cloud "Custom" }}
- { name: AZURE_AUTHORITY_HOST, value: {{ .authorityHost | quote }} }
- { name: AZURE_RESOURCE_MANAGER_ENDPOINT, value: {{ .resourceManagerEndpoint | quote }} }
{{- with .resourceManagerAudience }}
- { name: AZURE_RESOURCE_MANAGER_AUDIENCE, value: {{ . | quote }} }
{{- end }}
{{- end }}
{{- end }}
