package powertest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/internal/auto"
	"github.com/joulebench/joulebench/internal/known"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/tokens"
)

// environment has the values of the POWERTEST_ variables.
type environment struct {
	source  string // name of the source; empty if not set
	arg     string // what follows the name and an equals sign
	devices []string
	strict  bool
	trace   string // directory, or empty
	profile string // as profile.Open takes it
	tokens  string // as tokens.Parse takes it
}

// off reports whether nothing is to be measured.
func (e environment) off() bool { return e.source == "off" }

// malformed reports whether the error is that of a value that cannot be right,
// rather than of a source that is not there: a simulation always is, and devices
// that are named must be.
func (e environment) malformed(err error) bool {
	return e.source == simulated || errors.Is(err, energy.ErrMalformed) || len(e.devices) > 0 && errors.Is(err, energy.ErrNoDevice)
}

// readEnvironment reads the variables. It is called by every Wrap, so that a
// test may set them. The error names the variable, its value and what it may be.
func readEnvironment() (e environment, err error) {
	defer func() {
		if err != nil {
			err = malformedError{err}
		}
	}()
	if e.source, e.arg, err = parseSource(os.Getenv("POWERTEST_SOURCE"), energy.Registered()); err != nil {
		return e, err
	}
	devices := os.Getenv("POWERTEST_DEVICES")
	if e.devices, err = energy.Selectors(devices); err != nil {
		return e, fmt.Errorf("POWERTEST_DEVICES=%q is %w", devices, err)
	}
	if v := os.Getenv("POWERTEST_STRICT"); v != "" {
		if e.strict, err = strconv.ParseBool(v); err != nil {
			return e, fmt.Errorf("POWERTEST_STRICT=%q is neither true nor false\n"+
				"choose 1, to fail where there is no energy measurement, or 0", v)
		}
	}
	e.trace, e.profile, e.tokens = os.Getenv("POWERTEST_TRACE"), os.Getenv("POWERTEST_PROFILE"), os.Getenv("POWERTEST_TOKENS")
	if e.tokens != "" {
		if _, err := tokens.Parse(e.tokens); err != nil {
			return e, fmt.Errorf("POWERTEST_TOKENS: %w", err)
		}
	}
	return e, nil
}

// malformedError is an error that wraps [energy.ErrMalformed] without saying so
// again: it names what is wrong.
type malformedError struct{ error }

func (malformedError) Is(target error) bool { return target == energy.ErrMalformed }

// instead is what to do where a source cannot be opened, on a line of its own, beside what
// the error itself advises: there is something to measure everywhere.
func (e environment) instead(err error, linked []string) string {
	_, _, advised := strings.Cut(err.Error(), "\n")
	switch named := e.source != "" && e.source != auto.Name; {
	case named && advised:
		return ""
	case named:
		return "\nname another source with POWERTEST_SOURCE, or off"
	}
	or := ""
	if advised {
		or = "or "
	}
	if !slices.Contains(linked, simulated) {
		k, _ := known.Find(simulated)
		or += k.Import() + ", and "
	}
	return fmt.Sprintf("\n%sset POWERTEST_SOURCE=%s to measure a simulated GPU", or, simulated)
}

// simulated is the name of the source that is always there.
const simulated = "sim"

// named names the values of the variables that say what is measured, to begin a message with.
func (e environment) named() string {
	var list []string
	if source := os.Getenv("POWERTEST_SOURCE"); source != "" {
		list = append(list, fmt.Sprintf("POWERTEST_SOURCE=%q", web.RedactSource(source)))
	}
	if devices := os.Getenv("POWERTEST_DEVICES"); devices != "" {
		list = append(list, fmt.Sprintf("POWERTEST_DEVICES=%q", devices))
	}
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, " ") + ": "
}

// parseSource splits NAME or NAME=ARG, or several with plus signs between them, and checks
// that each source can be opened. The second line of the error says what there is to choose
// from.
func parseSource(value string, linked []string) (name, arg string, err error) {
	if value == "" {
		return "", "", nil
	}
	parts := energy.SplitSource(value, slices.Concat(linked, known.Names())...)
	for _, part := range parts {
		if err := checkSource(part, len(parts) > 1, linked); err != nil {
			return "", "", err
		}
	}
	name, arg, _ = energy.CutSource(value)
	return name, arg, nil
}

// checkSource returns an error if a source cannot be opened as it is named, alone or
// beside others.
func checkSource(value string, beside bool, linked []string) error {
	name, arg, hasArg := energy.CutSource(value)
	isLinked := name == "off" || slices.Contains(linked, name)
	var wrong, advice string
	k, isKnown := known.Find(name)
	switch {
	case beside && name == known.Off:
		wrong = "stands beside another source"
	case !isKnown && isLinked: // a user's own
	case !isKnown:
		wrong = "is not a source that is known"
	case k.Form == "" && hasArg:
		wrong = fmt.Sprintf("is malformed: %s takes nothing after its name", name)
	case strings.HasPrefix(k.Form, "=") && arg == "":
		wrong = fmt.Sprintf("is malformed: write %s%s", name, k.Form)
	case hasArg && arg == "":
		wrong = "is malformed: nothing follows the equals sign"
	case !isLinked:
		wrong = "names a source that is not linked into this binary"
		advice = k.Import() + ", or "
	}
	if wrong != "" {
		of := fmt.Sprintf("POWERTEST_SOURCE=%q", web.RedactSource(value))
		if beside {
			of = fmt.Sprintf("in POWERTEST_SOURCE %q", web.RedactSource(value))
		}
		return fmt.Errorf("%s %s\n%s%s", of, wrong, advice, choices(linked))
	}
	return nil
}

// choices says what POWERTEST_SOURCE may be in this binary, and what it could be.
func choices(linked []string) string {
	can := []string{"off"}
	var could []string
	for _, name := range linked {
		if name == auto.Name {
			name += " (the default)"
		}
		can = append(can, name)
	}
	for _, k := range known.Sources {
		if k.Name != known.Off && !slices.Contains(linked, k.Name) {
			could = append(could, k.Name+k.Form)
		}
	}
	slices.Sort(can)
	s := "choose one that is linked in: " + strings.Join(can, ", ")
	if len(could) > 0 {
		s += " (known but not linked in: " + strings.Join(could, ", ") + ")"
	}
	return s + ", or several with + between them"
}
