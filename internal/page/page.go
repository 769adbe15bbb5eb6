// Package page is the frame around every page of Préau: who is looking, who
// may, in which language, and how it looks.
//
// It promises four things. No route exists without a rule that says who may use
// it: one registered without a rule stops the program at its start. A visitor
// never reads the text of an error: [Fail] is the one place where an error
// becomes a sentence for the person and one log line for us. Nothing runs in
// the browser that this server did not send as a file: no inline script, no
// inline style, and every page works without script. And every sentence exists
// in French and in English.
//
// It stands at the bottom of the house: every capability uses it, it knows none
// of them. What a page needs from them (who is signed in, the links of the bar,
// the demo's clock) is handed over in [Site].
package page

import (
	"context"
	"net/http"
	"time"
)

// Role is what a signed-in person is to the school whose pages they see. One
// person may hold several accounts' worth of roles; a session has exactly one.
type Role string

// The roles. Operator looks after an installation and belongs to no school; CPE leads the
// vie scolaire, where Secretary and Supervisor work. Nurse is told apart since whoever
// sees who is in the infirmary needs to see nothing else. Who teaches, replaces somebody or
// leads a class is a Teacher: which of these is said by the timetable and the services.
const (
	Operator   Role = "operator"
	Head       Role = "head"
	CPE        Role = "cpe"
	Secretary  Role = "secretary"
	Supervisor Role = "supervisor"
	Nurse      Role = "nurse"
	Teacher    Role = "teacher"
	Pupil      Role = "pupil"
	Guardian   Role = "guardian"
)

// Roles lists every role, in the order in which pages name them.
func Roles() []Role {
	return []Role{Operator, Head, CPE, Secretary, Supervisor, Nurse, Teacher, Pupil, Guardian}
}

// Viewer is the signed-in person, as far as a page needs to know them. It
// travels in the request's context. Name and SchoolName are for the bar on top
// of the page and are never logged.
type Viewer struct {
	ID         string         // the person in the directory
	Account    string         // the account they signed in with
	School     string         // the school's id; empty for an operator
	Role       Role           // what they are to that school
	Name       string         // shown in the bar, never logged
	SchoolName string         // shown in the bar
	Lang       string         // "fr", "en", or empty: as the browser asks
	Zone       *time.Location // the school's zone; nil: the site's
	Session    string         // the session's id, so that it can be ended
	Personal   bool           // they said that this device is theirs, and may keep their pages
	Proven     time.Time      // when they last gave a password or a passkey; see Again
}

type viewerKey struct{}

// WithViewer returns a context in which v is the person looking. Routes does
// it for every request; tests of pages do it by hand.
func WithViewer(ctx context.Context, v Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

// ViewerFrom tells who is looking, and false when nobody is signed in.
func ViewerFrom(ctx context.Context) (Viewer, bool) {
	v, ok := ctx.Value(viewerKey{}).(Viewer)
	return v, ok
}

// ViewerOf is who looks, of a request that its rule let pass: the zero Viewer where the page
// is for anyone and nobody is signed in.
func ViewerOf(r *http.Request) Viewer {
	v, _ := ViewerFrom(r.Context())
	return v
}

// visit is what Routes knows of one request and every component may need.
type visit struct {
	site *Site
	lang string
	zone *time.Location // of the page's reader, where it is neither the viewer's nor the site's; nil
	path string         // path and query of the page itself, local; "" when it was not a GET
	id   string         // the request's number, shown on the page of an unexpected failure
}

type visitKey struct{}

func visitFrom(ctx context.Context) visit {
	v, _ := ctx.Value(visitKey{}).(visit)
	return v
}

// RequestID is the number under which a failure of this request is logged. It
// is shown to the visitor, who can read it out on the telephone.
func RequestID(ctx context.Context) string { return visitFrom(ctx).id }

// Zone is the zone in which this page's hours are written: the viewer's school's,
// else the site's.
func Zone(ctx context.Context) *time.Location {
	if zone := visitFrom(ctx).zone; zone != nil {
		return zone
	}
	if v, ok := ViewerFrom(ctx); ok && v.Zone != nil {
		return v.Zone
	}
	if s := visitFrom(ctx).site; s != nil && s.Zone != nil {
		return s.Zone
	}
	return time.UTC
}

// In returns a context as Routes would make it for a page in language lang, for
// rendering a component outside a request: a letter's preview, a test.
func In(ctx context.Context, s *Site, lang string) context.Context {
	return context.WithValue(ctx, visitKey{}, visit{site: s, lang: lang})
}

// InLanguage returns a request's context for words that somebody else will read.
func InLanguage(ctx context.Context, lang string) context.Context {
	v := visitFrom(ctx)
	v.lang = lang
	return context.WithValue(ctx, visitKey{}, v)
}

// ForReader returns a request whose page is written for somebody whose language and zone
// are known without a sign-in: whoever opens a link that they were sent. A language that
// was chosen in this browser wins; one that the pages do not have changes nothing.
func ForReader(r *http.Request, lang string, zone *time.Location) *http.Request {
	v := visitFrom(r.Context())
	v.zone = zone
	if known(lang) {
		v.lang = lang
	}
	for _, cookie := range r.CookiesNamed(languageCookie) {
		if known(cookie.Value) {
			v.lang = cookie.Value
		}
	}
	return r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
}
