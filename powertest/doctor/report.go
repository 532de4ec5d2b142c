package doctor

import (
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// SchemaVersion is the version of a report's JSON.
const SchemaVersion = 1

// A Report is what was found. In JSON times are in ns; null is unknown, or withheld.
type Report struct {
	SchemaVersion int `json:"schema_version"`
	// Version is that of the program that made the report, as it says.
	Version string `json:"version"`
	// Measurable says that joules can be measured: of all GPUs that were chosen, or where
	// there are none, of all devices that J/op is of.
	Measurable bool `json:"measurable"`
	// Verdict says the same in a sentence, and why not.
	Verdict   string `json:"verdict"`
	Simulated bool   `json:"simulated"`
	// Sources are the known ones, as [Survey] lists them.
	Sources []SourceStatus `json:"sources"`
	Watch   *Watch         `json:"watch"`
	// Server is nil if the source is on this machine.
	Server *Server `json:"server"`
	GPUs   []GPU   `json:"gpus"`
	// Missing says which of several sources could not be opened, and why.
	Missing string `json:"missing,omitempty"`
	// LeftOut are the GPUs that would have been measured too, but report nothing.
	LeftOut []energy.LeftOut `json:"left_out,omitempty"`
	// Windows are the expected errors of windows of 0.1, 1 and 10 s.
	Windows   []Window  `json:"windows"`
	Benchtime Benchtime `json:"benchtime"`
	// Load is nil if there was none.
	Load *Load `json:"load"`
	// Recordings are what the source reported while it was watched and, if there was a load,
	// under it; none if nothing was.
	Recordings []energy.Recording `json:"-"`
	// Meter is nil if there was none.
	Meter *Meter `json:"meter"`
	// Uncalibrated says why the profile of the user's own directory is not used; empty if
	// it is, or if there is none of these devices.
	Uncalibrated string `json:"uncalibrated,omitempty"`
}

// A Watch says how the source was watched.
type Watch struct {
	// Past says that the source knows the past, and was asked for it.
	Past bool `json:"past"`
	// Start and For are the time that was watched.
	Start time.Time     `json:"start"`
	For   time.Duration `json:"for_ns"`
	// Every is how often the source was read on average, and Reads how often it was
	// in all.
	Every time.Duration `json:"every_ns"`
	Reads int           `json:"reads"`
	// Ended says that an interrupt ended it.
	Ended bool `json:"ended_early"`
}

// A Server is where a source on other machines reads.
type Server struct {
	// Scrape is the longest scrape interval; nil if nothing scrapes.
	Scrape *time.Duration `json:"scrape_ns"`
	// Offset is the server's clock minus this machine's, known to ± Within.
	Offset *time.Duration `json:"clock_offset_ns"`
	Within *time.Duration `json:"clock_offset_within_ns"`
	// Collapsed is how many rows or series were of GPUs that were counted already.
	Collapsed int `json:"rows_collapsed"`
}

func emptyReport() Report {
	return Report{SchemaVersion: SchemaVersion, Sources: []SourceStatus{}, GPUs: []GPU{}, Windows: []Window{}}
}

// Unavailable returns the report on a source that could not be opened, or examined,
// because of err.
func Unavailable(err error) Report {
	r := emptyReport()
	r.Benchtime.Reason = "there is no source"
	text := err.Error()
	if errors.Is(err, energy.ErrUnknownSource) {
		text += ": import its package"
	}
	r.Verdict = fmt.Sprintf("joules can't be measured: %s", text)
	return r
}
