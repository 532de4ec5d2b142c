package promapi

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"
)

// reply is the envelope of an answer.
type reply struct {
	Status    string
	ErrorType string
	Error     string
	Warnings  []string
	kind      string // of the result: "matrix" or "vector"
}

// Stream is one series of an answer. It is valid until the next one.
type Stream struct {
	Labels  []Label
	Samples []Sample
}

// Label is a label of a series. It is valid as long as the series is.
type Label struct{ Name, Value []byte }

// Get returns the value of the first of the labels that the row has.
func (r *Stream) Get(names ...string) []byte {
	for _, name := range names {
		for _, l := range r.Labels {
			if string(l.Name) == name {
				return l.Value
			}
		}
	}
	return nil
}

// Sample is a value that a server keeps, with its time in ms since the epoch.
type Sample struct {
	At    int64
	Value float64
}

// Since returns how much later the sample is than another.
func (v Sample) Since(earlier Sample) time.Duration {
	return time.Duration(v.At-earlier.At) * time.Millisecond
}

// decode reads an answer and calls each for every series in it. Unlike the decoder
// of the server's own client it makes no map of labels for each series, which would
// be most of the time and memory where the answer is about a whole fleet.
func decode(body []byte, each func(*Stream)) (reply, error) {
	var head reply
	s := &scanner{text: body}
	err := s.object(func(key []byte) error {
		switch string(key) {
		case "data":
			return s.data(&head, each)
		case "status":
			return s.value(&head.Status)
		case "errorType":
			return s.value(&head.ErrorType)
		case "error":
			return s.value(&head.Error)
		case "warnings":
			return s.value(&head.Warnings)
		}
		return s.skip(0)
	})
	if err == nil && (s.peek() != 0 || s.at < len(s.text)) {
		err = s.fail("the end")
	}
	return head, err
}

func (s *scanner) data(head *reply, each func(*Stream)) error {
	if s.peek() != '{' {
		return s.skip(0) // null, where there is an error
	}
	return s.object(func(key []byte) error {
		switch string(key) {
		case "resultType":
			kind, err := s.str()
			if head.kind = string(kind); err == nil && head.kind != "matrix" && head.kind != "vector" {
				err = fmt.Errorf("the result is a %.20q, not a matrix or a vector", kind)
			}
			return err
		case "result":
			var r Stream
			return s.array(func() error {
				err := s.stream(&r)
				if err == nil {
					each(&r)
				}
				return err
			})
		}
		return s.skip(0)
	})
}

func (s *scanner) stream(r *Stream) error {
	r.Labels, r.Samples = r.Labels[:0], r.Samples[:0]
	one := func() error {
		v, err := s.sample()
		r.Samples = append(r.Samples, v)
		return err
	}
	return s.object(func(key []byte) error {
		switch string(key) {
		case "metric":
			return s.object(func(name []byte) error {
				value, err := s.str()
				r.Labels = append(r.Labels, Label{name, value})
				return err
			})
		case "values":
			return s.array(one)
		case "value":
			return one()
		}
		return s.skip(0) // histograms
	})
}

// sample reads [1435781430.781, "184504959832"].
func (s *scanner) sample() (Sample, error) {
	var v Sample
	if err := s.expect('['); err != nil {
		return v, err
	}
	digits, err := s.number()
	if err != nil {
		return v, err
	}
	if v.At, err = milliseconds(digits); err != nil {
		return v, err
	}
	if err := s.expect(','); err != nil {
		return v, err
	}
	if digits, err = s.str(); err != nil {
		return v, err
	}
	if v.Value, err = parseValue(digits); err != nil {
		return v, err
	}
	return v, s.expect(']')
}

// milliseconds parses a time in seconds.
func milliseconds(digits []byte) (int64, error) {
	whole, fraction, _ := bytes.Cut(digits, []byte{'.'})
	if w, ok := integer(whole); ok && len(fraction) <= 3 {
		if f, ok := integer(append(append(make([]byte, 0, 3), fraction...), "000"[len(fraction):]...)); ok {
			return 1000*w + f, nil
		}
	}
	seconds, err := strconv.ParseFloat(string(digits), 64)
	if err != nil || math.Abs(seconds) > 1e12 {
		return 0, fmt.Errorf("%.100q is not a time", digits)
	}
	return int64(math.Round(1000 * seconds)), nil
}

// parseValue parses a value. Nearly all are whole numbers.
func parseValue(digits []byte) (float64, error) {
	if i, ok := integer(digits); ok {
		return float64(i), nil
	}
	v, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		return 0, fmt.Errorf("%.100q is not a value", digits)
	}
	return v, nil
}

// integer parses digits that a float64 holds exactly.
func integer(digits []byte) (n int64, ok bool) {
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}
