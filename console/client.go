package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"sbc/signaling"
)

// ErrNotRunning is the error of a request when nobody listens on the socket.
var ErrNotRunning = errors.New("sbc is not running")

// ErrNoCall is the error of a request that names a call that does not exist.
var ErrNoCall = errors.New("no such call")

// Ours: more than the reports of the largest number of calls that one process
// carries.
const answerMax = 64 << 20

// A Client asks the SBC that listens on a Unix socket.
type Client struct {
	path string
	http *http.Client
}

// NewClient returns a client for the socket at path. It connects with each
// request.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: &http.Client{
		Timeout:   writeTimeout + time.Second,
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
	}}
}

// Status asks for the state of the SBC.
func (c *Client) Status(ctx context.Context) (st signaling.Status, err error) {
	return st, c.do(ctx, http.MethodGet, "/status", &st)
}

// Calls asks for the calls that exist.
func (c *Client) Calls(ctx context.Context) (list []signaling.CallInfo, err error) {
	return list, c.do(ctx, http.MethodGet, "/calls", &list)
}

// Registrations asks for the bindings.
func (c *Client) Registrations(ctx context.Context) (list []signaling.RegistrationInfo, err error) {
	return list, c.do(ctx, http.MethodGet, "/registrations", &list)
}

// Call asks for the report on one call, which may have ended.
func (c *Client) Call(ctx context.Context, id string) (r signaling.CallReport, err error) {
	return r, c.do(ctx, http.MethodGet, "/calls/"+url.PathEscape(id), &r)
}

// Hangup ends a call.
func (c *Client) Hangup(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/calls/"+url.PathEscape(id), &struct{}{})
}

func (c *Client) do(ctx context.Context, method, path string, answer any) error {
	return c.send(ctx, method, path, nil, answer)
}

func (c *Client) send(ctx context.Context, method, path string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://sbc"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.explain(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err != nil {
		return fmt.Errorf("console socket %s: %w", c.path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return c.refused(resp.StatusCode, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("console socket %s: %w", c.path, err)
	}
	return nil
}

func (c *Client) refused(status int, body []byte) error {
	switch status {
	case http.StatusNotFound:
		return ErrNoCall
	case http.StatusConflict:
		return ErrNothingToConfirm
	}
	var p problem
	if json.Unmarshal(body, &p) != nil || p.Error == "" {
		p.Error = http.StatusText(status)
	}
	return fmt.Errorf("console socket %s: %s", c.path, p.Error)
}

// explain says what to do about an error of connecting.
func (c *Client) explain(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: nobody listens on %s; start it with: sbc run", ErrNotRunning, c.path)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("console socket %s: permission denied; ask as root or as a member of the socket's group", c.path)
	}
	return fmt.Errorf("console socket %s: %w", c.path, cause(err))
}
