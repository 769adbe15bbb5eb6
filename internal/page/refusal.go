package page

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"

	"github.com/a-h/templ"
)

// Args are the fields of a message: {n}, {hour}…
type Args map[string]any

// Refusal is an answer that a rule gives instead of doing what was asked: known,
// named, and with a sentence of its own. Everything else that reaches [Fail] is
// a failure of ours and is shown without its text.
//
// A rule may declare its refusals once, as values compared with errors.Is:
//
//	var ErrClosed = page.Conflict("attendance.closed")
type Refusal struct {
	Status int    // the HTTP status
	Key    string // the message's key; its title is looked up by status
	Args   Args   // the message's fields
	Field  string // the form's field at fault, when there is one
}

// Error names the refusal for logs and tests; it is never shown.
func (r *Refusal) Error() string {
	if r.Field != "" {
		return "refused: " + r.Key + " (" + r.Field + ")"
	}
	return "refused: " + r.Key
}

// NotFound: there is no such thing here. It is also the answer for what exists
// in another school, so that nobody learns that it exists.
func NotFound() *Refusal { return &Refusal{Status: http.StatusNotFound, Key: "page.notfound.text"} }

// Forbidden: it exists, but it is not for this person. args are pairs, as in [T].
func Forbidden(key string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusForbidden, Key: key, Args: pairs(args)}
}

// Conflict: it was possible once and no longer is (somebody was faster, too late).
func Conflict(key string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusConflict, Key: key, Args: pairs(args)}
}

// Invalid: the form's field says something that cannot be taken.
func Invalid(field, key string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusUnprocessableEntity, Key: key, Args: pairs(args), Field: field}
}

// Sentence is the refusal in the reader's language.
func (r *Refusal) Sentence(ctx context.Context) string { return say(ctx, r.Key, r.Args) }

// FieldError is the sentence to show beside the field, or "" when err is nothing
// to do with that field.
func FieldError(ctx context.Context, err error, field string) string {
	if r, ok := errors.AsType[*Refusal](err); ok && r.Field == field {
		return r.Sentence(ctx)
	}
	return ""
}

// Fail answers a request that ended in err. A *Refusal anywhere in err's chain
// is shown in its own words; a body over the route's limit gets its sentence;
// anything else is a failure of ours: the visitor reads a number, the log reads
// that number and the error. It writes exactly one log line, or none when the
// visitor simply went away.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	log := visitFrom(ctx).site.log()
	attrs := []any{"request", RequestID(ctx), "method", r.Method, "route", r.Pattern}
	if v, ok := ViewerFrom(ctx); ok {
		attrs = append(attrs, "account", v.Account, "school", v.School)
	}

	if refusal, ok := errors.AsType[*Refusal](err); ok {
		log.InfoContext(ctx, "refused", append(attrs, "status", refusal.Status, "why", refusal.Key)...)
		show(w, r, refusal.Status, refusal.Sentence(ctx), log)
		return
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		log.InfoContext(ctx, "refused", append(attrs, "status", http.StatusRequestEntityTooLarge, "why", "page.toolarge.text")...)
		show(w, r, http.StatusRequestEntityTooLarge, T(ctx, "page.toolarge.text"), log)
		return
	}
	if errors.Is(err, os.ErrDeadlineExceeded) { // of the connection: reading took too long
		log.InfoContext(ctx, "refused", append(attrs, "status", http.StatusRequestTimeout, "why", "page.slow.text")...)
		w.Header().Set("Connection", "close")
		show(w, r, http.StatusRequestTimeout, T(ctx, "page.slow.text"), log)
		return
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return // nobody is left to read an answer
	}
	log.ErrorContext(ctx, "failed", append(attrs, "status", http.StatusInternalServerError, "error", err)...)
	show(w, r, http.StatusInternalServerError, "", log)
}

// show writes the page of a refusal or failure; nothing here may fail again.
func show(w http.ResponseWriter, r *http.Request, status int, text string, log *slog.Logger) {
	if started, ok := w.(*response); ok && started.wrote {
		return // part of the answer has left: nothing sensible can follow it
	}
	w.Header().Set("Cache-Control", "no-store")
	r = r.WithContext(context.WithoutCancel(r.Context())) // whose line was too slow is still there
	var c templ.Component = sorry(status, text)
	if err := Show(w, r, status, c); err != nil {
		log.ErrorContext(r.Context(), "failed", "request", RequestID(r.Context()), "error", err)
		http.Error(w, http.StatusText(status), status)
	}
}
