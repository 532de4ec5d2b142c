package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A checkup is what doctor found, as -json writes it. Times are in ns; null is
// unknown, or withheld.
type checkup struct {
	SchemaVersion int    `json:"schema_version"`
	Version       string `json:"version"`
	// Measurable says that joules can be measured: of all GPUs that were chosen.
	Measurable bool `json:"measurable"`
	// Verdict says the same in a sentence, and why not.
	Verdict   string `json:"verdict"`
	Simulated bool   `json:"simulated"`
	// Sources are the known ones, with the chosen one among them.
	Sources []sourceCheck `json:"sources"`
	Watch   *watchCheck   `json:"watch"`
	Server  *serverCheck  `json:"server"`
	GPUs    []gpuCheck    `json:"gpus"`
	// Windows are the expected errors of windows of 0.1, 1 and 10 s.
	Windows   []windowCheck  `json:"windows"`
	Benchtime benchtimeCheck `json:"benchtime"`
	Load      *loadCheck     `json:"load"`
}

// A watchCheck says how it was watched.
type watchCheck struct {
	// Past says that it is the past that was looked at.
	Past  bool          `json:"past"`
	Start time.Time     `json:"start"`
	For   time.Duration `json:"for_ns"`
	// Every is how often the source was read, and Reads how often it was in all.
	Every time.Duration `json:"every_ns"`
	Reads int           `json:"reads"`
	// Ended says that an interrupt ended it.
	Ended bool `json:"ended_early"`
}

func (w *watch) summary() *watchCheck {
	return &watchCheck{Past: w.past != nil, Start: w.began.UTC(), For: w.took, Every: w.every, Reads: w.reads, Ended: w.ended}
}

// conclude decides whether joules can be measured. err is why the source could not
// be opened.
func (d *diagnosis) conclude(err error) {
	if d.GPUs == nil {
		d.GPUs = []gpuCheck{}
	}
	if d.Windows == nil {
		d.Windows = []windowCheck{}
	}
	if err != nil {
		d.Benchtime.Reason = "there is no source"
		d.Verdict = fmt.Sprintf("joules can't be measured: %s", unreadable(err))
		return
	}
	bad := 0
	var why *energy.Finding
	for _, g := range d.GPUs {
		if !g.Measurable {
			why = cmp.Or(why, g.ill())
			bad++
		}
	}
	joules := "joules"
	if d.Simulated {
		joules = "simulated joules"
	}
	if d.Measurable = bad == 0; !d.Measurable {
		d.Benchtime = benchtimeCheck{Reason: "joules can't be measured"}
		who := fmt.Sprintf("%d of %s", bad, gpus(len(d.GPUs)))
		d.Verdict = fmt.Sprintf("%s can't be measured of %s by %s: %s: %s", joules, who, d.name, why.Reason, why.Detail)
		return
	}
	d.Verdict = fmt.Sprintf("%s can be measured: %s by %s, %s; %s", joules, gpus(len(d.GPUs)), d.name, d.refreshed(), d.advice())
}

// unreadable is an error in a sentence.
func unreadable(err error) string {
	if errors.Is(err, energy.ErrUnknownSource) {
		return err.Error() + ": import its package"
	}
	return err.Error()
}

func gpus(n int) string {
	if n == 1 {
		return "1 GPU"
	}
	return fmt.Sprintf("%d GPUs", n)
}

// refreshed says how often the slowest counter is refreshed.
func (d *diagnosis) refreshed() string {
	slowest := time.Duration(0)
	method := energy.Counter
	for _, g := range d.GPUs {
		if g.Period != nil {
			slowest = max(slowest, *g.Period)
		}
		if g.Method == energy.Gauge {
			method = energy.Gauge
		}
	}
	gauge := ""
	if method == energy.Gauge {
		gauge = "power only, "
	}
	if slowest == 0 {
		return gauge + "which did not change while it was watched"
	}
	return gauge + "refreshed every " + digitsOf(slowest, 2)
}

// advice says which -benchtime to use.
func (d *diagnosis) advice() string {
	if d.Benchtime.Recommended == nil {
		return "which -benchtime is long enough is not known: " + d.Benchtime.Reason
	}
	return fmt.Sprintf("use -benchtime=%s or more for ±%d %%", short(*d.Benchtime.Recommended), goodPercent)
}

// publish writes what was found.
func (d *diagnosis) publish() error {
	if !d.json {
		return d.tell(d.std.out)
	}
	text, err := json.MarshalIndent(d.checkup, "", "  ")
	if err != nil {
		return err
	}
	_, err = d.std.out.Write(append(text, '\n'))
	return err
}
