package smisource

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// alien is a text that people take for a log, by what one of the first lines begins with
// and holds. message says that it is an error message.
type alien struct {
	begins, holds, what, hint string
	message                   bool
}

var aliens = []alien{
	{holds: "NVSMI LOG", what: queried},
	{begins: "Timestamp  ", holds: " : ", what: queried},
	{holds: "Power Readings", what: queried},
	{holds: "Power Draw  ", what: queried},
	{begins: "| NVIDIA-SMI", what: "the table that nvidia-smi prints for people"},
	{begins: "<?xml", what: "XML, as nvidia-smi -q -x writes it"},
	{begins: "# gpu", what: "what nvidia-smi dmon or pmon prints, which has no date without -o DT"},
	{begins: "#Date", what: "what nvidia-smi dmon or pmon prints, without the power (dmon -s p)"},
	{begins: "#Time", what: "what nvidia-smi dmon prints, which has no date without -o DT"},
	{holds: "is not a valid field to query", what: "an error of nvidia-smi, whose driver does not know a column", hint: "leave that column out: older drivers have power.draw only\nrecord with " + strings.Replace(RecordCommand, "power.draw.instant,", "", 1), message: true},
	{holds: "Failed to initialize NVML", what: failed, hint: failedHint, message: true},
	{holds: "NVIDIA-SMI has failed", what: failed, hint: failedHint, message: true},
	{begins: "No devices were found", what: failed, hint: failedHint, message: true},
	{holds: "nvidia-smi: command not found", what: failed, hint: failedHint, message: true},
	{holds: "nvidia-smi: not found", what: failed, hint: failedHint, message: true},
	{holds: "'nvidia-smi' is not recognized", what: failed, hint: failedHint, message: true},
	{begins: "#Entity", what: "what dcgmi dmon prints, which has no time"},
	{holds: "ROCm System Management Interface", what: "the report of rocm-smi, which has no time"},
	{begins: "device,", holds: "(W)", what: "what rocm-smi --csv writes, which has no time"},
	{begins: "GPU", holds: "POWER", what: "the table of amd-smi monitor, which is for people", hint: "record with " + RecordCommandAMD},
	{begins: "TIMESTAMP  ", holds: "POWER", what: "the table of amd-smi monitor, which is for people", hint: "record with " + RecordCommandAMD},
	{begins: "[0] ", holds: "|", what: "what gpustat prints, which has no time in its rows"},
	{holds: "\x1b[", what: "the screen of a terminal, with its escape sequences", hint: "redirect the tool itself into a file, without watch"},
	{holds: "mW/", what: "what tegrastats of a Jetson prints, which is no table", hint: "write it as a table with a header, such as time,power"},
	{begins: "|", holds: " | ", what: "a table with bars between its cells", hint: "write it with commas"},
	{begins: "# HELP", what: "the page of an exporter", hint: "give the exporter's address with -dcgm (dcgm=ADDRESS)"},
	{begins: "# TYPE", what: "the page of an exporter", hint: "give the exporter's address with -dcgm (dcgm=ADDRESS)"},
	{begins: "{", what: "JSON, where a table with a header is needed"},
	{begins: "[", what: "JSON, where a table with a header is needed"},
	{begins: "PK\x03\x04", what: "an archive or a workbook", hint: "unpack it, or save the sheet as CSV"},
	{begins: "\x28\xb5\x2f\xfd", what: "compressed by zstd", hint: "unpack it"},
	{begins: "\xfd7zXZ", what: "compressed by xz", hint: "unpack it"},
	{begins: "BZh", what: "compressed by bzip2", hint: "unpack it"},
}

// What several of them are.
const (
	queried    = "the report of nvidia-smi -q, which is no table"
	failed     = "an error message, and nothing was recorded"
	failedHint = "when nvidia-smi works by itself, record with " + RecordCommand
)

// foreign says what the file is, if it is known to be no log, and which line shows it.
func (l *log) foreign() (a alien, line []byte, is bool) {
	lines := l.first
	if l.head != nil {
		lines = append(lines[:len(lines):len(lines)], l.head.line)
	}
	for _, line := range lines {
		text := strings.TrimSpace(string(line))
		for _, a := range aliens {
			if strings.HasPrefix(strings.ReplaceAll(text, "# ", "#"), strings.ReplaceAll(a.begins, "# ", "#")) && strings.Contains(text, a.holds) {
				return a, line, true
			}
		}
	}
	return alien{}, nil, false
}

// refuse is the error of a text that is no log.
func (s *Source) refuse(a alien, line []byte) *Error {
	e := s.fail(TelemetryFileUnreadable, ErrNotALog, cmp.Or(a.hint, s.log.recordHint()), "it is %s", a.what)
	e.Others = []energy.Reason{TimestampColumnMissing, PowerColumnMissing}
	if a.message { // which is a table without columns, as InferenceX has it
		e.Reason, e.Others = TimestampColumnMissing, []energy.Reason{PowerColumnMissing, GPUIdentityColumnMissing}
		e.Detail += fmt.Sprintf(": %q", line[:min(len(line), 200)])
	}
	return e
}
