package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Denied reports whether a status means that credentials are missing, or may not do it.
func Denied(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// StatusError is an answer with a status other than 200, and what its body says.
type StatusError struct {
	Status int
	Said   string
}

// Error says what the status is.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("it answers %d %s", e.Status, http.StatusText(e.Status))
	if e.Said != "" {
		text += ": " + e.Said
	}
	return text
}

// ErrNotJSON says that what a server answers is not what it should be.
var ErrNotJSON = errors.New("not the answer that is expected")

// GetJSON asks for a target and reads the answer into to. An answer with another status
// than 200 is a [StatusError] with the beginning of its body, without secrets of the
// address.
func (c *Client) GetJSON(ctx context.Context, t Target, to any) error {
	r, err := t.Get(ctx)
	if err != nil {
		return err
	}
	response, err := c.Do(r)
	if err != nil {
		return Explain(Cause(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case errors.Is(err, ErrTooLong):
		return fmt.Errorf("%w: %w", ErrNotJSON, err)
	case err != nil:
		return fmt.Errorf("the answer breaks off after %d bytes: %w", len(body), Explain(Cause(err)))
	case response.StatusCode != http.StatusOK:
		return &StatusError{response.StatusCode, Snippet(body, t.Secrets(nil)...)}
	}
	if err := json.Unmarshal(body, to); err != nil {
		return fmt.Errorf("%w, which begins: %s", ErrNotJSON, Snippet(body, t.Secrets(nil)...))
	}
	return nil
}
