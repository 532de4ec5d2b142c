package metricname

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// Vocabulary is the metrics that a source reads. Where a device has several of a kind,
// the first is taken.
type Vocabulary struct {
	metrics  []Metric
	at       map[string]int // the first metric of each name
	patterns []pattern
}

// pattern is the names that a metric has beside its own.
type pattern struct {
	at   int
	mark []byte // is in all of them
	re   *regexp.Regexp
}

// Known is the vocabulary of [Table].
var Known = newVocabulary(Table)

// total is what collectors of OpenTelemetry append to the names of counters.
const total = "_total"

func newVocabulary(metrics []Metric) *Vocabulary {
	v := &Vocabulary{metrics: metrics, at: map[string]int{}}
	for i, m := range metrics {
		for _, name := range m.names() {
			if _, known := v.at[name]; !known {
				v.at[name] = i
			}
		}
		if m.Pattern != "" {
			v.patterns = append(v.patterns, pattern{i, []byte(m.mark()), regexp.MustCompile("^(?:" + m.allPattern() + ")$")})
		}
	}
	return v
}

// names are the names of the metric, without those of its pattern.
func (m *Metric) names() []string {
	switch {
	case m.Name == "":
		return nil
	case m.Kind == Energy:
		return []string{m.Name, m.Name + total}
	}
	return []string{m.Name}
}

func (m *Metric) allPattern() string {
	if m.Kind == Energy {
		return m.Pattern + "|" + m.Pattern + total
	}
	return m.Pattern
}

// mark is the longest text that is in all names of the pattern, as far as that is easily
// seen: other names, which are nearly all, need not be compared with it.
func (m *Metric) mark() string {
	longest := ""
	for part := range strings.FieldsFuncSeq(m.Pattern, func(r rune) bool { return strings.ContainsRune(`.*+?()[]|\{}`, r) }) {
		if len(part) > len(longest) && !strings.Contains(m.Pattern, "|") {
			longest = part
		}
	}
	return longest
}

// None is the position of a metric that is not in a vocabulary.
const None = -1

// Find returns the position of the first metric of the name; [None] if it is not one that
// is read. Which of the metrics of a name a row is of, [Vocabulary.Row] says.
func (v *Vocabulary) Find(name string) int { return v.find([]byte(name)) }

func (v *Vocabulary) find(name []byte) int {
	if i, known := v.at[string(name)]; known {
		return i
	}
	for _, p := range v.patterns {
		if bytes.Contains(name, p.mark) && p.re.Match(name) {
			return p.at
		}
	}
	return None
}

// Begins returns the name with which the line of a page begins, and the position of the
// first metric of it; [None] if it is none. last is the name of the line before, whose
// position was at: mostly it is the same.
func (v *Vocabulary) Begins(line, last []byte, at int) (name []byte, _ int) {
	if len(line) == 0 || line[0] == '#' {
		return nil, None
	}
	for end, c := range line {
		if c != '{' && c != ' ' && c != '\t' {
			continue
		}
		if name = line[:end]; bytes.Equal(name, last) {
			return name, at
		}
		return name, v.find(name)
	}
	return nil, None
}

// Row returns the position of the metric that a row is of, where first is the position of
// the first of its name; [None] if none of them wants it.
func (v *Vocabulary) Row(first int, get Labels) int {
	name, further := v.metrics[first].Name, v.metrics[first].Pattern
	for i := first; i < len(v.metrics); i++ {
		m := &v.metrics[i]
		if m.Name == name && m.Pattern == further && (m.Where == nil || m.Where(get)) {
			return i
		}
	}
	return None
}

// At returns the metric at a position.
func (v *Vocabulary) At(i int) *Metric { return &v.metrics[i] }

// Len is how many metrics there are.
func (v *Vocabulary) Len() int { return len(v.metrics) }

// Pattern is a regular expression, as PromQL has them, of all names that are read.
func (v *Vocabulary) Pattern() string {
	var all []string
	for i := range v.metrics {
		m := &v.metrics[i]
		for _, name := range m.names() {
			if name = regexp.QuoteMeta(name); !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
		if m.Pattern != "" {
			if p := m.allPattern(); !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return strings.Join(all, "|")
}
