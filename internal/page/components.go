package page

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// Kind is how much a button asks for attention.
type Kind string

// The kinds: a page has at most one Main per sheet; Danger is for what cannot be
// taken back.
const (
	Ordinary Kind = ""
	Main     Kind = "main"
	Quiet    Kind = "quiet"
	Danger   Kind = "danger"
)

// Press is a button, or a link that looks like one when Href is set. Label says
// what it will do: "Prévenir 2 responsables de Léa M.", not "Envoyer".
type Press struct {
	Label string
	Kind  Kind
	Href  string // a link; else a submit button of the form around it
	Name  string // sent with the form when this button was pressed
	Value string
	Small bool   // inside a table's row: 36 px instead of 44
	Form  string // the id of a form elsewhere in the page
	Says  string // for a screen reader, when the label alone is not enough
	Attrs templ.Attributes
}

// Action is a form of one button: POST, nothing to type.
type Action struct {
	To     string // local path
	Press  Press
	Fields []Hidden
}

// Hidden is a field that the person does not see.
type Hidden struct{ Name, Value string }

// SheetHead is the head of a sheet; a sheet without a Title has none.
type SheetHead struct {
	Title string
	Note  string // quieter, on the same line when there is room
	ID    string // of the section, for links
	Tone  Tone   // draws the sheet's edge
	Flush bool   // children reach the sheet's edges: tables, rows
}

// Fig is a number people would rather see than look for.
type Fig struct {
	N     string // already written: page.Number(ctx, n)
	Label string
	Note  string
	Tone  Tone   // only when the number asks for something
	Href  string // where the things behind the number are
}

// Input is a labelled field of a form. Its id is its name, after "f-".
type Input struct {
	Name     string
	Label    string
	Type     string // of the input; empty is text; "textarea" is several lines
	Value    string
	Hint     string // under the label, before typing
	Error    string // beside the field, after a refusal; see FieldError
	Auto     string // autocomplete: username, current-password, tel…
	Mode     string // inputmode: numeric, tel, email
	Required bool
	ID       string // of the input, where a page has several of one name; empty: f- and the name
	Attrs    templ.Attributes
}

// Choice is a labelled list of options.
type Choice struct {
	Name    string
	Label   string
	Hint    string
	Error   string
	Value   string // the chosen option
	Options []Option
}

// Option is one option of a Choice.
type Option struct{ Value, Text, Note string }

// Level is how loud a notice is.
type Level string

// The levels. Stop is announced at once by a screen reader.
const (
	Info Level = "info"
	Done Level = "done"
	Warn Level = "warn"
	Stop Level = "stop"
)

// Step is one line of a story in time: what happened, when, by whom.
type Step struct {
	When string // already written: page.Hour(ctx, t)
	What string
	Note string
	Tone Tone // colours the dot; the text says it too
}

// Region is a live piece of a page.
type Region struct {
	ID     string // its id in the page
	Stream string // the local address of an event stream, see OpenStream
	On     string // the event's name
}

// pie is the sector of a circle of radius 8 around 9,9 that covers share (0 to 1)
// clockwise from the top, as an SVG path. A full share is a circle, not a path.
func pie(share float64) string {
	angle := 2 * math.Pi * share
	x, y := 9+8*math.Sin(angle), 9-8*math.Cos(angle)
	large := "0"
	if share > 0.5 {
		large = "1"
	}
	return "M9 9V1A8 8 0 " + large + " 1 " + decimal(x) + " " + decimal(y) + "Z"
}

func share(percent int) float64 {
	return float64(min(max(percent, 0), 100)) / 100
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }

// sheetID makes an id from the title where none was given.
func sheetID(h SheetHead) string {
	if h.ID != "" {
		return h.ID
	}
	var b strings.Builder
	b.WriteString("s")
	for _, r := range strings.ToLower(h.Title) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.String()[b.Len()-1] != '-':
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

func inputType(i Input) string {
	if i.Type == "" {
		return "text"
	}
	return i.Type
}

// inputAttrs are the attributes that an input has only sometimes.
func fieldID(i Input) string { return cmp.Or(i.ID, "f-"+i.Name) }

func inputAttrs(i Input) templ.Attributes {
	attrs := describedBy(fieldID(i), i.Hint, i.Error)
	if i.Auto != "" {
		attrs["autocomplete"] = i.Auto
	}
	if i.Mode != "" {
		attrs["inputmode"] = i.Mode
	}
	if i.Required {
		attrs["required"] = true
	}
	for name, value := range i.Attrs {
		attrs[name] = value
	}
	return attrs
}

// describedBy links an input to its hint and its error.
func describedBy(id, hint, wrong string) templ.Attributes {
	attrs := templ.Attributes{}
	var by []string
	if hint != "" {
		by = append(by, id+"-hint")
	}
	if wrong != "" {
		by = append(by, id+"-error")
		attrs["aria-invalid"] = "true"
	}
	if len(by) > 0 {
		attrs["aria-describedby"] = strings.Join(by, " ")
	}
	return attrs
}
