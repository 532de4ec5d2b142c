package reference

import (
	"strings"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/known"
	"github.com/joulebench/joulebench/internal/metrictable"
)

// Values complete the values of flags, by their placeholders: see [command.Program].
var Values = map[string]func(begun string) command.Candidates{
	"source":      sourceValues,
	"units":       func(string) command.Candidates { return unitValues("") },
	"UNIT=SHARE":  func(string) command.Candidates { return unitValues("=") },
	"UNIT=NUMBER": func(string) command.Candidates { return unitValues("=") },
}

// unitValues are the units of all metrics, with what follows one.
func unitValues(end string) (c command.Candidates) {
	for _, m := range metrictable.Table {
		c.Words = append(c.Words, command.Row{Word: m.Unit + end, Means: m.Formula()})
	}
	return c
}

// sourceValues are the sources, after others and a plus sign, and the files that one reads.
func sourceValues(begun string) (c command.Candidates) {
	head := ""
	for {
		before, after, more := strings.Cut(begun, "+")
		if _, is := known.Find(before); !more || !is {
			break
		}
		head, begun = head+before+"+", after
	}
	for _, s := range known.Sources {
		form, optional := strings.CutPrefix(s.Form, "[")
		form, _, _ = strings.Cut(form, "[")
		form = strings.TrimSuffix(form, "]")
		if strings.HasPrefix(begun, s.Name+"=") {
			return argument(head+s.Name, form)
		}
		end := ""
		if form != "" && !optional {
			end = "="
		}
		c.Words = append(c.Words, command.Row{Word: head + s.Name + end, Means: s.Is})
	}
	return c
}

// argument is what follows the name of a source.
func argument(name, form string) command.Candidates {
	if key, isFile := strings.CutSuffix(form, "FILE"); isFile {
		return command.Candidates{Else: command.Files, After: name + key}
	}
	if key, isFile := strings.CutSuffix(form, "LIBRARY"); isFile {
		return command.Candidates{Else: command.Files, After: name + key}
	}
	if key, isFolder := strings.CutSuffix(form, "DIR"); isFolder {
		return command.Candidates{
			Words: []command.Row{{Word: name + key, Means: "where /sys and /proc of the host are"}},
			Else:  command.Directories, After: name + key,
		}
	}
	return command.Candidates{}
}
