package dcgmsource

import (
	"fmt"
	"io"
)

// Secret is a string that is not printed: not by package fmt with any verb, not
// by package log, and not as JSON. Convert it to a string to use it.
type Secret string

const hidden = "(secret)"

// String returns a text that stands for the secret, or an empty one if it is
// empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// MarshalText returns what String returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
