package drill

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/preau-ent/preau/internal/app"
)

// attack is what a slip, or somebody who wants to, could send while one pupil's alert is
// held: to every page and form that the program has, and into every field of every form that
// somebody sees.
type attack struct {
	*house
	absent    string // the pupil; nothing of theirs is touched, so that what leaves is known
	values    [][]string
	segments  []string // to stand where a path has a name
	tried     int
	forms     map[string]bool // that were tried, by who, where and what
	before    int             // messages at the sink when it began
	want      []saying
	wrong     int // messages that were wrong when somebody last looked
	accepting map[string]bool
}

// recipientNames are fields that a screen of many recipients would have.
func recipientNames() []string {
	return []string{"pupil", "pupils", "pupil[]", "person", "persons", "to", "recipient", "recipients", "contact", "phone", "email", "address", "ids", "all", "filter", "class", "level", "group", "wrong", "scope", "sitting"}
}

func (h *house) newAttack(absent string, want []saying) *attack {
	everybody := h.book.pupils[:min(200, len(h.book.pupils))]
	elsewhere := newBook(h.neighbour, h.zone).pupils[0]
	return &attack{house: h, absent: absent, want: want, before: h.sink.count(), forms: map[string]bool{}, accepting: map[string]bool{},
		values:   [][]string{{"*"}, {"all"}, {"%"}, {""}, {strings.Join(everybody, ",")}, everybody, {elsewhere}, {h.neighbour.Cast.Class}, {h.neighbour.School.ID}, {"+33639980499"}},
		segments: []string{"*", "all", everybody[0], elsewhere, h.town.School.ID, h.neighbour.School.ID}}
}

// everyRoute sends lists, wildcards, nothing and others' ids to every page and form, by
// somebody. None of it says what to do in a word that a form knows: everyForm does.
func (a *attack) everyRoute(routes []app.RouteInfo, who string) error {
	p, err := a.hand(who)
	if err != nil {
		return err
	}
	for _, route := range routes {
		if endsTheSession(route.Path) {
			continue
		}
		for _, values := range a.some() {
			form := url.Values{}
			for _, name := range recipientNames() {
				form[name] = values
			}
			for _, segment := range a.segments {
				if !strings.Contains(route.Path, "{") && segment != "*" {
					continue
				}
				path := fill(route.Path, segment)
				if route.Method == http.MethodGet { // an address is short
					err = a.send(p, http.MethodGet, path+"?"+url.Values{"to": values, "pupil": values}.Encode(), nil)
				} else {
					err = a.send(p, http.MethodPost, path, form)
				}
				if err != nil {
					return err
				}
			}
		}
		if route.Method == http.MethodGet {
			continue // a page that sends shows at the next form
		}
		if err := a.look(route.Method + " " + route.Path); err != nil {
			return err
		}
	}
	return nil
}

// endsTheSession tells of pages whose forms end the attacker's own.
func endsTheSession(path string) bool {
	return strings.HasPrefix(path, "/sign-out") || strings.HasPrefix(path, "/account") || strings.HasPrefix(path, "/sign-in") || strings.HasPrefix(path, "/first-sign-in")
}

// everyForm opens the pages that somebody sees, and sends each form on them as it is but for
// one field at a time, which is a list, a wildcard, nothing, said twice, or somebody else's.
func (a *attack) everyForm(routes []app.RouteInfo, who string) error {
	p, err := a.hand(who)
	if err != nil {
		return err
	}
	open := []string{"/"}
	for _, route := range routes {
		if route.Method == http.MethodGet && !strings.Contains(route.Path, "{") {
			open = append(open, route.Path)
		}
	}
	shapes := map[string]int{}
	for len(open) > 0 {
		path := open[0]
		open = open[1:]
		shape := shapeOf(path)
		if shapes[shape]++; shapes[shape] > mostOfAShape || strings.HasPrefix(path, "/assets") {
			continue
		}
		status, text, err := p.get(path)
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			continue
		}
		links, forms := linksAndForms(text)
		open = append(open, links...)
		for _, f := range forms {
			if a.leavesAlone(f) || a.forms[who+f.shape()] {
				continue
			}
			a.forms[who+f.shape()] = true
			if err := a.form(p, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// mostOfAShape is how many pages that differ by an id alone are opened.
const mostOfAShape = 2

// form sends one form with each field changed in turn, and with fields that it does not have.
func (a *attack) form(p *person, f pageForm) error {
	names := slices.Concat(slices.Sorted(maps.Keys(f.fields)), recipientNames())
	for _, name := range names {
		for _, values := range a.some() {
			changed := maps.Clone(f.fields)
			changed[name] = values
			if err := a.send(p, http.MethodPost, f.action, changed); err != nil {
				return err
			}
			if own := f.fields[name]; len(own) > 0 {
				changed[name] = slices.Concat(own, values) // the same parameter again
				if err := a.send(p, http.MethodPost, f.action, changed); err != nil {
					return err
				}
			}
		}
	}
	return a.look("POST " + shapeOf(f.action))
}

// some are the values to try: in a small drill one of them, drawn.
func (a *attack) some() [][]string {
	if a.replay.options.Scale >= 0.5 {
		return a.values
	}
	i := a.replay.random.IntN(len(a.values))
	return a.values[i : i+1]
}

// leavesAlone tells of forms that are not for telling anybody anything, and after which
// nothing could leave at all: an attack on a school that was stopped or closed shows nothing.
// Two persons' yes to an announcement is no slip.
func (a *attack) leavesAlone(f pageForm) bool {
	for _, own := range []string{"/stop", "/service", "/rehearsal", "/exceptional", "/school", "/language", "/closures", "/accounts", "/code"} {
		if strings.HasSuffix(f.action, own) || strings.Contains(f.action, own+"/") {
			return true
		}
	}
	return endsTheSession(f.action) || strings.HasSuffix(f.action, "/cancel") || strings.HasSuffix(f.action, "/remove") || strings.Contains(f.action, a.absent) ||
		strings.HasPrefix(f.action, "/corrections") || f.fields.Get("do") == "confirm"
}

// commands tries the program's commands with whom a message should go to.
func (a *attack) commands(ctx context.Context) error {
	program := a.replay.options.Program
	for _, command := range []string{"explain", "verify", "serve", "import", "school decommission", "carrier list", "carrier check", "guard check", "doctor", "demo"} {
		for _, flag := range []string{"--to=*", "--recipient=all", "--pupil=" + a.book.pupils[0], "--class=*", "--filter=%", "--all", "--send"} {
			c := exec.CommandContext(ctx, program, append(strings.Fields(command), flag)...)
			c.Env = append(environment(a.data), "PREAU_DATA="+a.data)
			// A command line that is wrong ends with 2: it was read, and not taken.
			out, err := c.CombinedOutput()
			if c.ProcessState == nil {
				return err
			}
			if status := c.ProcessState.ExitCode(); status != 2 {
				a.accepting[command+" "+flag] = true
				a.replay.say("wrong", "preau %s %s was taken, status %d: %s", command, flag, status, out)
			}
			a.tried++
		}
	}
	return a.look("commands")
}

// hand is somebody at a browser who does not follow where a form leads; nobody: signed out.
func (a *attack) hand(who string) (*person, error) {
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if who == "" {
		jar, err := cookiejar.New(nil) // where there is a line, nobody keeps their place like anybody
		if err != nil {
			return nil, err
		}
		client.Jar = jar
		return &person{name: "nobody", base: a.prog.url, http: &client}, nil
	}
	signedIn, err := a.as(who)
	if err != nil {
		return nil, err
	}
	client.Jar = signedIn.http.Jar
	return &person{name: who, base: a.prog.url, http: &client}, nil
}

func (a *attack) send(p *person, method, path string, form url.Values) error {
	var status int
	var text string
	var err error
	if method == http.MethodGet {
		status, text, err = p.get(path)
	} else {
		status, text, err = p.post(path, form)
	}
	if a.tried++; err == nil && status >= 500 {
		err = fmt.Errorf("%s: %s %s %v: %d: %s", p.name, method, path, form, status, words(text))
	}
	return err
}

// look counts what the sink has beyond what one absence may cause.
func (a *attack) look(where string) error {
	if err := a.rest(); err != nil {
		return err
	}
	a.replay.leak(a.sink, "attack")
	if n := a.book.tally(a.sink.since(a.before), a.want).wrong; n > a.wrong {
		a.replay.say("wrong", "%s made %d messages", where, n-a.wrong)
		a.wrong, a.accepting[where] = n, true
	}
	return nil
}

// pageForm is a form of a page, with what its fields hold and one of its buttons.
type pageForm struct {
	action string
	fields url.Values
}

// shape tells forms apart that differ by more than an id.
func (f pageForm) shape() string {
	var fields []string
	for name := range f.fields {
		fields = append(fields, ids.ReplaceAllString(name, "ID"))
	}
	slices.Sort(fields)
	return fmt.Sprint(shapeOf(f.action), slices.Compact(fields), f.fields.Get("do"))
}

var ids = regexp.MustCompile(`[0-9a-z]{20}`)

func shapeOf(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return ids.ReplaceAllString(path, "ID")
}

// linksAndForms reads where a page leads, and its forms: once for each button that says
// something of its own.
func linksAndForms(text string) (links []string, forms []pageForm) {
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil, nil
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		href, _ := attr(n, "href")
		if n.Data == "a" && strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "//") {
			href, _, _ = strings.Cut(href, "#")
			links = append(links, href)
		}
		if method, _ := attr(n, "method"); n.Data == "form" && strings.EqualFold(method, "post") {
			forms = append(forms, formsOf(n)...)
		}
	}
	return links, forms
}

func formsOf(n *html.Node) (out []pageForm) {
	action, _ := attr(n, "action")
	f := pageForm{action, url.Values{}}
	var buttons [][2]string
	for e := range n.Descendants() {
		name, _ := attr(e, "name")
		value, _ := attr(e, "value")
		kind, _ := attr(e, "type")
		_, checked := attr(e, "checked")
		switch {
		case e.Type != html.ElementNode || name == "":
		case e.Data == "button":
			buttons = append(buttons, [2]string{name, value})
		case e.Data == "input" && (kind == "radio" || kind == "checkbox") && !checked:
			if !f.fields.Has(name) {
				f.fields[name] = nil
			}
		case e.Data == "input", e.Data == "textarea", e.Data == "select":
			f.fields.Add(name, value)
		}
	}
	if len(buttons) == 0 {
		return []pageForm{f}
	}
	for _, b := range buttons {
		with := pageForm{action, maps.Clone(f.fields)}
		with.fields[b[0]] = []string{b[1]}
		out = append(out, with)
	}
	return out
}

// fill puts a word where a path has a name.
func fill(path, segment string) string {
	for {
		before, after, ok := strings.Cut(path, "{")
		if !ok {
			return path
		}
		_, rest, _ := strings.Cut(after, "}")
		path = before + url.PathEscape(segment) + rest
	}
}
