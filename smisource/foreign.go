package smisource

import "strings"

// foreign are texts that people take for logs, by what one of the first lines begins
// with or holds.
var foreign = []struct{ begins, holds, what, hint string }{
	{holds: "NVSMI LOG", what: "the report of nvidia-smi -q, which is no table"},
	{begins: "| NVIDIA-SMI", what: "the table that nvidia-smi prints for people"},
	{begins: "<?xml", what: "XML, as nvidia-smi -q -x writes it"},
	{begins: "# gpu", what: "what nvidia-smi dmon or pmon prints, which has no date"},
	{begins: "#Date", what: "what nvidia-smi dmon prints, in whole seconds and whole watts"},
	{begins: "#Time", what: "what nvidia-smi dmon prints, which has no date"},
	{begins: "#Entity", what: "what dcgmi dmon prints, which has no time"},
	{holds: "ROCm System Management Interface", what: "the report of rocm-smi, which has no time"},
	{begins: "device,", holds: "(W)", what: "what rocm-smi --csv writes, which has no time"},
	{begins: "GPU", holds: "POWER", what: "the table of amd-smi monitor, which is for people", hint: "record with " + RecordCommandAMD},
	{begins: "# HELP", what: "the page of an exporter", hint: "give the exporter's address with -dcgm (dcgm=ADDRESS)"},
	{begins: "# TYPE", what: "the page of an exporter", hint: "give the exporter's address with -dcgm (dcgm=ADDRESS)"},
	{begins: "{", what: "JSON, where a table with a header is needed"},
	{begins: "[", what: "JSON, where a table with a header is needed"},
	{begins: "PK\x03\x04", what: "an archive or a workbook", hint: "unpack it, or save the sheet as CSV"},
	{begins: "\x28\xb5\x2f\xfd", what: "compressed by zstd", hint: "unpack it"},
	{begins: "\xfd7zXZ", what: "compressed by xz", hint: "unpack it"},
	{begins: "BZh", what: "compressed by bzip2", hint: "unpack it"},
}

// foreign says what the file is, if it is known to be no log, and what to do about it
// beside recording one.
func (l *log) foreign() (what, hint string) {
	lines := l.first
	if l.head != nil {
		lines = append(lines[:len(lines):len(lines)], l.head.line)
	}
	for _, line := range lines {
		text := strings.TrimSpace(string(line))
		for _, f := range foreign {
			if strings.HasPrefix(strings.ReplaceAll(text, "# ", "#"), strings.ReplaceAll(f.begins, "# ", "#")) && strings.Contains(text, f.holds) {
				return f.what, f.hint
			}
		}
	}
	return "", ""
}
