package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"
)

// StatusError is the answer of a server that refuses.
type StatusError struct {
	// Code is the HTTP status.
	Code int
	// Message is what the server says, or empty.
	Message string
}

// Error says the status, and the server's message.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("the server answers %d %s", e.Code, http.StatusText(e.Code))
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
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
		return &StatusError{resp.StatusCode, c.hide(errorMessage(body))}
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
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
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

// hide takes the key out of what a server says: some repeat it.
func (c *Client) hide(s string) string {
	if c.config.Key == "" {
		return s
	}
	return strings.ReplaceAll(s, c.config.Key, "[key]")
}

// discreet is an error without the key.
func (c *Client) discreet(err error) error {
	if s := err.Error(); c.hide(s) != s {
		return errors.New(c.hide(s))
	}
	return err
}
