{{- define "atoll.name" -}}
{{ .Release.Name | trunc 20 | trimSuffix "-" }}
{{- end }}

{{- define "atoll.labels" -}}
app.kubernetes.io/name: atoll
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "atoll.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* What every container of the image needs to reach its servers; secrets are files. */}}
{{- define "atoll.secretEnv" -}}
- name: ATOLL_DATABASE_URL_FILE
  value: /secrets/database-url
- name: ATOLL_REDIS_URL_FILE
  value: /secrets/redis-url
- name: ATOLL_SIGNING_KEY_FILE
  value: /secrets/signing-key
{{- if .Values.registrationSharedSecret }}
- name: ATOLL_REGISTRATION_SHARED_SECRET_FILE
  value: /secrets/registration-shared-secret
{{- end }}
{{- end }}

{{- define "atoll.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "atoll.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
