package dcgmsource

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// labelSet is the labels of a row, understood once: an exporter writes the same
// ones on every page.
type labelSet struct {
	pairs []label
	// err says why the labels cannot be understood.
	err error
	// uuid is that of the GPU; for broken labels, what looks like it.
	uuid string
	// device is the position in the endpoint's devices; negative if it is none
	// of them.
	device int
	// seen is the page that the labels were on last.
	seen uint64
}

type label struct{ name, value string }

// maxLabels is far more than any row has. That a name appears once takes time by
// the square of their number, so that a hostile page could take hours.
const maxLabels = 128

// get returns the value of a label; empty if there is none of the name.
func (s *labelSet) get(name string) string {
	for _, l := range s.pairs {
		if l.name == name {
			return l.value
		}
	}
	return ""
}

// newLabelSet understands what stands between a metric's name and its value.
// What the exporter writes is simple enough to be taken apart here, at a tenth of
// the cost; everything else, and all that is wrong, is left to package expfmt.
func newLabelSet(text string) *labelSet {
	s := &labelSet{device: -1}
	if strings.Count(text, "=") > maxLabels {
		s.err = fmt.Errorf("%w: a row has more than %d labels", ErrPage, maxLabels)
	} else if pairs, simple := simpleLabels(text); simple {
		s.pairs = pairs
	} else {
		s.pairs, s.err = parseLabels(text)
	}
	if s.err != nil {
		s.uuid = uuidIn(text)
		return s
	}
	s.uuid = labels(s.get).first("UUID", "uuid")
	return s
}

// simpleLabels takes apart labels that have neither escapes nor blanks around
// them. The pairs share the memory of the text.
func simpleLabels(text string) (pairs []label, ok bool) {
	if text == "" || text == "{}" {
		return nil, true
	}
	if text[0] != '{' {
		return nil, false
	}
	pairs = make([]label, 0, strings.Count(text, "="))
	for text = text[1:]; ; {
		name, rest, found := strings.Cut(text, `="`)
		if !found || !simpleName(name) || has(pairs, name) {
			return nil, false
		}
		value, rest, found := strings.Cut(rest, `"`)
		if !found || strings.IndexByte(value, '\\') >= 0 || !utf8.ValidString(value) {
			return nil, false
		}
		pairs = append(pairs, label{name, value})
		if rest == "}" {
			return pairs, true
		}
		if rest == "" || rest[0] != ',' {
			return nil, false
		}
		text = rest[1:]
	}
}

func has(pairs []label, name string) bool {
	for _, l := range pairs {
		if l.name == name {
			return true
		}
	}
	return false
}

func simpleName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return name != "" && name != model.MetricNameLabel
}

// parseLabels leaves the labels to package expfmt, as those of a row by itself,
// so that a row that is broken takes no other with it.
func parseLabels(text string) ([]label, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader("row" + text + " 0\n"))
	if err != nil {
		return nil, fmt.Errorf("%w: a row cannot be parsed, perhaps since a pod or job has a quote in its name: %.200s", ErrPage, err.Error())
	}
	rows := families["row"].GetMetric()
	if len(rows) != 1 {
		return nil, fmt.Errorf("%w: a row cannot be parsed", ErrPage)
	}
	var pairs []label
	for _, l := range rows[0].GetLabel() {
		pairs = append(pairs, label{l.GetName(), l.GetValue()})
	}
	return pairs, nil
}

// uuidIn returns what looks like the UUID of the GPU in the text of a row; empty
// if nothing does. That of a link's other end, gpu_uuid, is not it.
func uuidIn(text string) string {
	for _, name := range [...]string{`UUID="`, `uuid="`} {
		for rest := text; ; {
			at := strings.Index(rest, name)
			if at < 0 {
				break
			}
			value := rest[at+len(name):]
			if end := strings.IndexByte(value, '"'); end > 0 && at > 0 && strings.IndexByte("{, \t", rest[at-1]) >= 0 {
				return value[:end]
			}
			rest = value
		}
	}
	return ""
}
