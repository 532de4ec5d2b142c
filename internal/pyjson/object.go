package pyjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/joulebench/joulebench/internal/inputfile"
)

// An Object is a JSON object as it was written: its members keep their order,
// their spelling and the white space around them, so that a program which adds a
// key to a file changes nothing else in it.
type Object struct {
	members []member
	// start is what is there up to the opening brace, a byte-order mark maybe; tail
	// is the white space before the closing brace, and end what follows it.
	start, tail, end []byte
}

// A member is a key and its value.
type member struct {
	// gap is the white space before the comma, and lead that before the key.
	gap, lead []byte
	key       string
	// text is the member as written, from the key's quote on.
	text []byte
	// value is the part of text that is the value.
	value []byte
}

// maxJSON is the largest file that is read: results with the latencies of each
// request have tens of megabytes.
const maxJSON = 1 << 29

var byteOrderMark = []byte("\ufeff")

var errEmpty = errors.New("it is empty")

// ReadFile reads a file that holds one JSON object, of at most 512 MiB. The error is one
// of reading, such as [io/fs.ErrNotExist], or says in which line the file is not JSON.
func ReadFile(path string) (*Object, error) {
	data, err := inputfile.ReadFile(path, maxJSON)
	if err != nil {
		return nil, err
	}
	o, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return o, nil
}

// Parse parses one JSON object. Beside what RFC 8259 allows it understands
// NaN, Infinity and -Infinity as values, which Python writes.
func Parse(data []byte) (*Object, error) {
	whole := data
	data = bytes.TrimPrefix(data, byteOrderMark)
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return nil, errEmpty
	case !utf8.Valid(data):
		return nil, errors.New("it is not UTF-8")
	}
	// The decoder sees a text of the same length, in which all is JSON, and so
	// its offsets are those of the text itself.
	masked := maskLiterals(data)
	var all json.RawMessage
	if err := json.Unmarshal(masked, &all); err != nil {
		return nil, located(masked, err)
	}
	d := json.NewDecoder(bytes.NewReader(masked))
	if t, _ := d.Token(); t != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	at := d.InputOffset()
	o := &Object{start: whole[:len(whole)-len(data)+int(at)]}
	for d.More() {
		o.members = append(o.members, nextMember(d, data, at))
		at = d.InputOffset()
	}
	_, _ = d.Token() // the closing brace
	o.tail, o.end = data[at:d.InputOffset()-1], data[d.InputOffset():]
	return o, nil
}

// ParseAll parses the objects of a text that has one after another, as programs write
// that append to a file. What was parsed before an error is returned with it.
func ParseAll(data []byte) ([]*Object, error) {
	if one, err := Parse(data); err == nil {
		return []*Object{one}, nil
	}
	data = bytes.TrimPrefix(data, byteOrderMark)
	masked := maskLiterals(data)
	d := json.NewDecoder(bytes.NewReader(masked))
	var list []*Object
	for {
		at := d.InputOffset()
		var raw json.RawMessage
		switch err := d.Decode(&raw); {
		case err == io.EOF && len(list) > 0:
			return list, nil
		case err == io.EOF:
			return nil, errEmpty
		case errors.Is(err, io.ErrUnexpectedEOF):
			return list, fmt.Errorf("it is cut off: %w", err)
		case err != nil:
			return list, located(masked, err)
		}
		o, err := Parse(data[at:d.InputOffset()])
		if err != nil {
			return list, err
		}
		list = append(list, o)
	}
}

// Keys returns the keys in their order.
func (o *Object) Keys() []string {
	keys := make([]string, len(o.members))
	for i, m := range o.members {
		keys[i] = m.key
	}
	return keys
}

// nextMember reads a key and its value of what is known to be JSON; at is where what
// came before ends.
func nextMember(d *json.Decoder, data []byte, at int64) member {
	key, _ := d.Token()
	var raw json.RawMessage
	_ = d.Decode(&raw)
	end := d.InputOffset()
	between := data[at:end]
	quote := bytes.IndexByte(between, '"')
	gap, lead, comma := bytes.Cut(between[:quote], []byte(","))
	if !comma {
		gap, lead = nil, gap
	}
	return member{gap, lead, key.(string), between[quote:], data[end-int64(len(raw)) : end]}
}

// located adds to a syntax error the line that it is in.
func located(data []byte, err error) error {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(data[:min(int(s.Offset), len(data))], []byte("\n"))
		return fmt.Errorf("it is not JSON: line %d: %w", line, err)
	}
	return fmt.Errorf("it is not JSON: %w", err)
}

// literals are the values that Python writes and JSON does not have, each with a
// number of the same length.
var literals = []struct{ text, mask []byte }{
	{[]byte("NaN"), []byte("0.0")},
	{[]byte("Infinity"), []byte("0.000000")},
}

// maskLiterals returns the text with numbers in place of the literals that
// Python writes.
func maskLiterals(data []byte) []byte {
	out := bytes.Clone(data)
	inString := false
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString || i > 0 && !bytes.ContainsRune([]byte(" \t\r\n:,[-"), rune(out[i-1])):
		default:
			for _, l := range literals {
				if bytes.HasPrefix(out[i:], l.text) {
					copy(out[i:], l.mask)
				}
			}
		}
	}
	return out
}

// Unmarshal decodes a value as [json.Unmarshal] does. NaN and the infinities are 0.
func Unmarshal(value []byte, to any) error { return json.Unmarshal(maskLiterals(value), to) }

// IsNumber reports whether a value is a finite number, rather than a string that
// looks like one, a truth value, NaN, or nothing.
func IsNumber(value []byte) bool {
	return json.Valid(value) && bytes.IndexByte([]byte("-0123456789"), value[0]) >= 0
}

// Get returns the value of a key as it is written, nil if there is none. Of two members
// with the same key the last counts, as everywhere.
func (o *Object) Get(key string) []byte {
	for _, m := range slices.Backward(o.members) {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// Remove removes a key and reports whether it was there.
func (o *Object) Remove(key string) bool {
	before := len(o.members)
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return m.key == key })
	return len(o.members) < before
}

// Set gives a key a value, which is JSON: in the key's place if it is there, or
// else at the end.
func (o *Object) Set(key string, value []byte) {
	name, _ := json.Marshal(key) // a string can be marshalled
	m := member{lead: o.style(), key: key, text: slices.Concat(name, []byte(": "), value), value: value}
	if len(o.members) == 0 && len(o.tail) == 0 {
		o.tail = []byte("\n")
	}
	place := slices.IndexFunc(o.members, func(m member) bool { return m.key == key })
	if place >= 0 {
		m.gap, m.lead = o.members[place].gap, o.members[place].lead
		o.Remove(key)
	} else {
		place = len(o.members)
	}
	o.members = slices.Insert(o.members, place, m)
}

// style is the white space before a member that is added: a line of its own, if
// the first has one, or else what there is after a comma.
func (o *Object) style() []byte {
	switch {
	case len(o.members) == 0:
		return []byte("\n  ")
	case bytes.Contains(o.members[0].lead, []byte("\n")):
		return o.members[0].lead
	case len(o.members) > 1:
		return o.members[1].lead
	}
	return []byte(" ")
}

// Bytes returns the object as text.
func (o *Object) Bytes() []byte {
	var b bytes.Buffer
	b.Write(o.start)
	for i, m := range o.members {
		if i > 0 {
			b.Write(m.gap)
			b.WriteByte(',')
		}
		b.Write(m.lead)
		b.Write(m.text)
	}
	b.Write(o.tail)
	b.WriteByte('}')
	b.Write(o.end)
	return b.Bytes()
}
