package chat

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"

	"github.com/joulebench/joulebench/internal/web"
)

// ErrNoUsage says that the server did not say how many tokens an answer took:
// there are no joules per token for such an answer.
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

// errNoStream says that the answer comes at once, so that there are no tokens to
// time.
var errNoStream = errors.New("the server does not stream: it answers with one JSON object, not with server-sent events")

// maxMessage is how much of a server's message is read, in bytes.
const maxMessage = 1 << 10

// refusal returns why the response is not a stream, or nil.
func (c *Client) refusal(resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
		err := fmt.Errorf("the server answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
		if message := c.hide(errorMessage(body)); message != "" {
			return fmt.Errorf("%w: %s", err, message)
		}
		return err
	}
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t == "application/json" {
		return errNoStream
	}
	return nil
}

// errorMessage returns the message in an answer, in the forms that servers have
// for it, or the answer itself: in one line that can be printed.
func errorMessage(body []byte) string {
	var forms struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	text := string(body)
	if json.Unmarshal(body, &forms) == nil {
		switch {
		case present(forms.Error):
			text = stringOrMessage(forms.Error)
		case forms.Message != "":
			text = forms.Message
		case present(forms.Detail):
			text = stringOrMessage(forms.Detail)
		}
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	return strings.Join(words, " ")
}

// stringOrMessage returns a JSON string, or the message in an object, or the JSON.
func stringOrMessage(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &object) == nil && object.Message != "" {
		return object.Message
	}
	return string(raw)
}

// hide removes the key from what a server says: some repeat it.
func (c *Client) hide(s string) string { return web.Hide(s, c.config.Key) }

// discreet is an error without the key.
func (c *Client) discreet(err error) error {
	if s := err.Error(); c.hide(s) != s {
		return errors.New(c.hide(s))
	}
	return err
}
