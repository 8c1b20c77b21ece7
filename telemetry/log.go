package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"os"
)

// LogOptions say how much is logged, and how.
type LogOptions struct {
	Level  slog.Leveler
	Format string // "text", "json"; "auto" or "": text on a terminal, else json
}

// NewLogger returns a logger that writes one line an event to w. Values that
// come from the network must have gone through Escape: the text form quotes
// them once more, JSON does not hide what turns the direction of text.
func NewLogger(w io.Writer, o LogOptions) (*slog.Logger, error) {
	format := o.Format
	if format == "" || format == "auto" {
		format = "json"
		if isTerminal(w) {
			format = "text"
		}
	}
	h := &slog.HandlerOptions{Level: o.Level, ReplaceAttr: withUnit}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, h)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, h)), nil
	}
	return nil, fmt.Errorf("log format %q: want auto, text or json", o.Format)
}

// withUnit writes times as 1.5s also in JSON, which has them as a number of
// nanoseconds otherwise.
func withUnit(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// isTerminal tells whether w is a character device other than the null one.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	if err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(st, null)
}
