package chat

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrNoUsage says that the server did not say how many tokens an answer took:
// such an answer cannot be paid for in joules per token.
var ErrNoUsage = errors.New("the server did not say its usage")

// maxLine is the longest line of an answer, in bytes.
const maxLine = 1 << 20

// answer is what has been read of a stream of server-sent events.
type answer struct {
	each   func()
	chunks int
	usage  *Usage
}

// chunk is what is understood of an event's data. Tokens that a model thinks with
// are under one of two names, which depends on the server.
type chunk struct {
	Choices []struct {
		Delta struct {
			Content          string          `json:"content"`
			Reasoning        string          `json:"reasoning"`
			ReasoningContent string          `json:"reasoning_content"`
			ToolCalls        json.RawMessage `json:"tool_calls"`
		} `json:"delta"`
	} `json:"choices"`
	Usage *Usage          `json:"usage"`
	Error json.RawMessage `json:"error"`
}

func (c chunk) hasToken() bool {
	for _, choice := range c.Choices {
		d := choice.Delta
		if d.Content != "" || d.Reasoning != "" || d.ReasoningContent != "" || present(d.ToolCalls) {
			return true
		}
	}
	return false
}

func present(raw json.RawMessage) bool {
	s := string(raw)
	return s != "" && s != "null" && s != "[]"
}

// read reads events until [DONE]. An answer without it was cut off.
func (a *answer) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue // a comment, another field, or the empty line that ends an event
		}
		data = strings.TrimSpace(data)
		if data == "[DONE]" {
			return nil
		}
		if err := a.take(data); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return fmt.Errorf("it was cut off after %d chunks: %w", a.chunks, io.ErrUnexpectedEOF)
}

// take takes in the data of an event.
func (a *answer) take(data string) error {
	var c chunk
	if err := json.Unmarshal([]byte(data), &c); err != nil {
		return fmt.Errorf("malformed event: %w", err)
	}
	if present(c.Error) {
		return fmt.Errorf("the server gave up: %s", errorMessage([]byte(data)))
	}
	if c.hasToken() {
		a.chunks++
		if a.each != nil {
			a.each()
		}
	}
	if c.Usage != nil {
		a.usage = c.Usage
	}
	return nil
}

// total is the work of the whole answer. A usage that contradicts what has come
// is none.
func (a *answer) total(countChunks bool) (Usage, error) {
	if u := a.usage; u != nil && u.Prompt >= 0 && (u.Completion > 0 || u.Completion == 0 && a.chunks == 0) {
		return *u, nil
	}
	if !countChunks {
		return Usage{}, ErrNoUsage
	}
	return Usage{Completion: a.chunks, Counted: true}, nil
}
