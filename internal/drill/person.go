package drill

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// person is somebody at a browser, signed in.
type person struct {
	name       string
	http       *http.Client
	base       string
	identifier string // signs in with it each morning; empty: is nobody
	password   string // given again where it is asked again
	own        bool   // says that the device is theirs
}

// as gives a person of the house who is signed in to the program that runs now.
func (h *house) as(id string) (*person, error) {
	if p := h.people[id]; p != nil {
		p.base = h.prog.url
		return p, nil
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	p := &person{name: id, http: &http.Client{Jar: jar, Timeout: time.Minute}, base: h.prog.url, identifier: h.Identifier(id), password: h.Password}
	if err := p.signIn(); err != nil {
		return nil, err
	}
	h.people[id] = p
	return p, nil
}

// signIn signs them in. Whoever works in a school does so every morning: what they ask for
// after the night is asked again.
func (p *person) signIn() error {
	form := url.Values{"identifier": {p.identifier}, "password": {p.password}}
	if p.own {
		form.Set("device", "own")
	}
	status, text, err := p.send("/sign-in", form)
	if err != nil {
		return err
	}
	if status != http.StatusOK || signedOut(text) {
		return fmt.Errorf("%s cannot sign in: %d", p.name, status)
	}
	return nil
}

// signedOut tells whether a page asks who one is, or is the house's face to nobody.
func signedOut(text string) bool {
	return strings.Contains(text, `action="/sign-in`) || strings.Contains(text, `href="/sign-in`)
}

// do is one request, made again when their turn has come where they have to wait for it.
func (p *person) do(req *http.Request) (int, string, error) {
	for {
		// A copy: the client adds the cookies of the moment to the request that it sends.
		status, text, inLine, err := p.once(req.Clone(req.Context()))
		if err != nil || !inLine {
			return status, text, err
		}
		wait, _ := (&visitor{}).turn(text)
		time.Sleep(max(wait, time.Second))
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return 0, "", err
			}
		}
	}
}

// once is one request; inLine tells that its answer is the waiting page.
func (p *person) once(req *http.Request) (status int, text string, inLine bool, err error) {
	req.Header.Set("Origin", p.base)
	res, err := p.http.Do(req)
	if err != nil {
		return 0, "", false, err
	}
	defer res.Body.Close()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return res.StatusCode, "", false, nil // it ends when its reader goes
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	return res.StatusCode, string(b), res.Header.Get("Preau-Line") != "", err
}

func (p *person) get(path string) (int, string, error) {
	status, text, err := p.look(path)
	if err == nil && p.identifier != "" && signedOut(text) {
		if err := p.signIn(); err != nil {
			return 0, "", err
		}
		return p.look(path)
	}
	return status, text, err
}

func (p *person) look(path string) (int, string, error) {
	req, err := http.NewRequest(http.MethodGet, p.base+path, nil)
	if err != nil {
		return 0, "", err
	}
	return p.do(req)
}

// post sends a form and gives what the browser shows then: redirections are followed. Where
// it is asked once more who they are, they give their password with the same form.
func (p *person) post(path string, form url.Values) (int, string, error) {
	status, text, err := p.send(path, form)
	if err == nil && p.identifier != "" && status == http.StatusUnauthorized {
		if err := p.signIn(); err != nil {
			return 0, "", err
		}
		status, text, err = p.send(path, form)
	}
	if err == nil && p.identifier != "" && strings.Contains(text, `name="again-password"`) {
		more := maps.Clone(form)
		more.Set("again-password", p.password)
		return p.send(path, more)
	}
	return status, text, err
}

func (p *person) send(path string, form url.Values) (int, string, error) {
	req, err := http.NewRequest(http.MethodPost, p.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.do(req)
}

// press is a form that has to be taken.
func (h *house) press(who, path string, fields ...string) (string, error) {
	p, err := h.as(who)
	if err != nil {
		return "", err
	}
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	status, text, err := p.post(path, form)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: POST %s %v: %d: %s", who, path, form, status, words(text))
	}
	return text, err
}

// see is a page that has to be shown.
func (h *house) see(who, path string) (string, error) {
	p, err := h.as(who)
	if err != nil {
		return "", err
	}
	status, text, err := p.get(path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: GET %s: %d: %s", who, path, status, words(text))
	}
	return text, err
}

var answerLinks = regexp.MustCompile(`(/r/[0-9A-Za-z]+)`)

// linkAbout is where a message that came since the sink had so many can be answered; empty:
// nowhere.
func (h *house) linkAbout(about saying, before int) (link string) {
	addresses := h.book.addresses(about.pupil)
	for _, one := range h.sink.since(before) {
		if found := answerLinks.FindString(one.Text); found != "" && slices.Contains(addresses, one.To) && h.book.says(about, one) {
			link = found
		}
	}
	return link
}

// errUntold: nobody around the pupil got the message. What was not heard is not answered; that it
// was missed is counted where messages are.
var errUntold = errors.New("no message came")

// answerTo is a guardian with a message that they got: its link, and a button behind it. They
// are signed in nowhere.
func (h *house) answerTo(about saying, before int, fields ...string) error {
	link := h.linkAbout(about, before)
	if link == "" {
		addresses := h.book.addresses(about.pupil)
		if !slices.ContainsFunc(h.sink.since(before), func(one Message) bool { return slices.Contains(addresses, one.To) && h.book.says(about, one) }) {
			return errUntold
		}
		return fmt.Errorf("no message about %s has a link to answer by", about.pupil)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	p := &person{name: "a guardian", http: &http.Client{Jar: jar, Timeout: time.Minute}, base: h.prog.url}
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	if status, text, err := p.get(link); err != nil || status != http.StatusOK {
		return fmt.Errorf("a guardian's link: %d %w: %s", status, err, words(text))
	}
	status, text, err := p.post(link, form)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("a guardian's answer: %d: %s", status, words(text))
	}
	h.replay.addTo("guardians_answers", 1)
	return err
}

// formTo reads the fields of the form of a page that goes to a path.
func formTo(text, path string) (url.Values, error) {
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	for n := range doc.Descendants() {
		action, _ := attr(n, "action")
		if n.Type != html.ElementNode || n.Data != "form" || action != path {
			continue
		}
		form := url.Values{}
		for f := range n.Descendants() {
			if f.Type != html.ElementNode || f.Data != "input" {
				continue
			}
			name, _ := attr(f, "name")
			value, _ := attr(f, "value")
			kind, _ := attr(f, "type")
			if _, checked := attr(f, "checked"); name == "" || (kind == "radio" || kind == "checkbox") && !checked {
				continue
			}
			form.Add(name, value)
		}
		return form, nil
	}
	return nil, fmt.Errorf("the page has no form for %s: %s", path, words(text))
}

// attr reads an attribute of an element.
func attr(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

// elements gives what each element of a class says.
func elements(text, class string) (out []string) {
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil
	}
	for n := range doc.Descendants() {
		if of, _ := attr(n, "class"); n.Type == html.ElementNode && slices.Contains(strings.Fields(of), class) {
			out = append(out, said(n))
		}
	}
	return out
}

// said is what an element says, in one line.
func said(of *html.Node) string {
	var b strings.Builder
	for n := range of.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" && n.Parent.Data != "title" {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// words are the first of what a page says, without its marks.
func words(text string) string {
	out := spoken(text)
	return out[:min(len(out), 600)]
}

// spoken is all that a page says.
func spoken(text string) string {
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return ""
	}
	return said(doc)
}
