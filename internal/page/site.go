package page

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/a-h/templ"
)

// Site is what the frame needs from the rest of the house. Its zero values work:
// a Site with nothing but Words serves pages to signed-out visitors.
type Site struct {
	// Words are the sentences; nil shows keys instead.
	Words *Words
	// Assets are the scripts and styles; nil leaves pages bare.
	Assets *Assets
	// Log receives one line per failure; nil is slog.Default.
	Log *slog.Logger
	// Viewer finds who is signed in from the request's cookie. It is asked once
	// per request, before the handler and outside any transaction, and not at
	// all for assets and for routes marked FromMemory. nil: nobody ever is.
	Viewer func(*http.Request) (Viewer, bool)
	// Again asks a viewer once more who they are, on a route that says so (see the option
	// Again), where they have not shown it lately. It tells whether the request goes on; if
	// not it has answered it. nil: nobody is asked.
	Again func(http.ResponseWriter, *http.Request) (bool, error)
	// Bar tells what surrounds the page: links, status, the demo's clock. It is
	// called while the frame is rendered, when no transaction may be open.
	Bar func(context.Context) Bar
	// Version is shown in the footer.
	Version string
	// Zone is used where there is no school; nil is UTC.
	Zone *time.Location
	// Secure marks cookies for https only.
	Secure bool
}

// Bar is what surrounds the page a person is looking at.
type Bar struct {
	Links  []Link  // the main links of this person's role, in order
	Status *Status // one tag beside the school's name; nil shows none
	Demo   *Demo   // the demonstration's clock; nil outside a demonstration
	// Kept says what the viewer's own device keeps and what waits on it; nil where it keeps
	// nothing.
	Kept templ.Component
	// Banners say on every page what keeps messages in the building.
	Banners []Banner
}

// Banner is one sentence above every page, and where to go about it. Text and Action are
// in the reader's language.
type Banner struct {
	Tone   Tone
	Text   string
	Href   string // may be empty
	Action string // of the link: what one will find there
}

// Link is one of the bar's links. Text is in the reader's language.
type Link struct {
	ID   string // compared with Meta.Active
	Href string
	Text string
	N    int // things waiting there; 0 shows nothing
}

// Status is the tag beside the school's name: "En service jusqu'au 20 avril".
type Status struct {
	Tone Tone
	Text string
	Href string // where it is explained; may be empty
}

// Demo is the clock of a demonstration, with buttons that advance it. They post
// the field "by" (a Go duration) and "next" (the page to come back to) to
// /demo/advance.
type Demo struct {
	Now time.Time
}

// Steps are the advances that the demo's buttons offer.
func (Demo) Steps() []time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, time.Hour}
}

// Meta is what a page says about itself to the frame.
type Meta struct {
	Title  string // of the window and of nothing else: the page has its own h1
	Active string // the Link.ID that the page belongs to
	Width  Width
	Bare   bool // without the bar's links: sign-in, landing, failures
	// Refresh makes the browser ask again after so many seconds; 0 never.
	Refresh int
}

// Width is how wide a page may grow.
type Width string

// The widths: a text or form to be read, the usual page, a board or table.
const (
	Usual  Width = ""
	Narrow Width = "narrow"
	Wide   Width = "wide"
)

// Tone is the meaning of a colour. No tone is told by its colour alone.
type Tone string

// The tones.
const (
	Soft   Tone = "soft"
	Absent Tone = "absent"
	Late   Tone = "late"
	Here   Tone = "here"
	Held   Tone = "held"
)
