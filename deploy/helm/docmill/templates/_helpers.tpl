{{- define "docmill.name" -}}{{ .Release.Name | trunc 45 | trimSuffix "-" }}{{- end -}}

{{- define "docmill.image" -}}
{{ required "image.repository: where the image of deploy/Dockerfile was pushed" .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "docmill.secret" -}}
{{ required "secretName: a Secret with DOCMILL_LEDGER_URL and the other secrets" .Values.secretName }}
{{- end -}}

{{- define "docmill.labels" -}}
app.kubernetes.io/name: docmill
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "docmill.selector" -}}
app.kubernetes.io/name: docmill
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "docmill.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "docmill.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "docmill.envFrom" -}}
- configMapRef: { name: {{ include "docmill.name" . }}-env }
- secretRef: { name: {{ include "docmill.secret" . }} }
{{- end -}}

{{- define "docmill.mounts" -}}
- { name: scratch, mountPath: /var/lib/docmill }
- { name: home, mountPath: /var/lib/docmill/dagster }
- { name: temporary, mountPath: /tmp }
- { name: dagster, mountPath: /var/lib/docmill/dagster/dagster.yaml, subPath: dagster.yaml }
- { name: dagster, mountPath: /app/workspace.yaml, subPath: workspace.yaml }
{{- end -}}

{{- define "docmill.volumes" -}}
- { name: scratch, emptyDir: { sizeLimit: {{ .Values.runs.scratch }} } }
- { name: home, emptyDir: { sizeLimit: {{ .Values.runs.scratch }} } } # the folder around a mounted file would be root's
- { name: temporary, emptyDir: { sizeLimit: {{ .Values.runs.scratch }} } }
- { name: dagster, configMap: { name: {{ include "docmill.name" . }}-dagster } }
{{- end -}}
