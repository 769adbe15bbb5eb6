package httpsms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// knownFields are what may stand in braces in the body.
var knownFields = []string{"to", "to_digits", "to_00", "from", "text", "id", "ttl", "validity_date", "callback", "coding"}

// recipients are the fields that name the telephone: one of them stands, once.
var recipients = []string{"to", "to_digits", "to_00"}

// object is the body as described: values are template, object, list, or a constant of
// JSON (json.Number, bool, nil). The tree is parsed first and the fields are put into
// its strings afterwards, so that no text of a message can become structure.
type object []named

type named struct {
	name  string
	value any
}

type list []any

// template is a string cut into constants and fields.
type template []piece

// piece is a constant or, when field is not empty, a field.
type piece struct{ constant, field string }

// alone returns the name of the field when the template is that field and nothing else.
func (t template) alone() string {
	if len(t) == 1 {
		return t[0].field
	}
	return ""
}

func (t template) has(field string) bool {
	return slices.ContainsFunc(t, func(p piece) bool { return p.field == field })
}

// write puts values into the fields. What follows {callback} is part of an address, so
// it is escaped as one.
func (t template) write(values map[string]string) string {
	var out strings.Builder
	inAddress := false
	for _, p := range t {
		switch {
		case p.field == "":
			out.WriteString(p.constant)
		case inAddress:
			out.WriteString(url.QueryEscape(values[p.field]))
		default:
			out.WriteString(values[p.field])
		}
		inAddress = inAddress || p.field == "callback"
	}
	return out.String()
}

func (d *Description) judgeBody() error {
	switch d.Body.As {
	case "form", "json":
		if d.Method == "GET" {
			return wrong("body.as", "a GET has no body: it is query, or http.method is POST")
		}
	case "query":
	default:
		return wrong("body.as", "it is form, json or query")
	}
	if d.Auth.Kind == "form" && d.Body.As != "form" {
		return wrong("auth.kind", "form goes with http.body.as form; otherwise it is query or header")
	}
	if len(d.Body.Fields) == 0 {
		return wrong("body.fields", "it is missing: say what is sent, with {to} and {text}")
	}
	var err error
	if d.body, err = readObject("http.body.fields", d.Body.Fields, 1); err != nil {
		return err
	}
	if d.Body.As != "json" {
		for _, n := range d.body {
			switch n.value.(type) {
			case object, list, nil:
				return wrong("body.fields."+n.name, "a form and a query have only texts and numbers")
			}
		}
	}
	if (d.Auth.Kind == "form" || d.Auth.Kind == "query") && slices.ContainsFunc(d.body, func(n named) bool { return n.name == d.Auth.Name }) {
		return wrong("auth.name", "http.body.fields has the same name")
	}
	count := map[string]int{}
	d.body.count(count)
	if n := count["to"] + count["to_digits"] + count["to_00"]; n != 1 {
		return wrong("body.fields", "{to}, {to_digits} or {to_00} stands %d times: one of them stands once, because a message has one recipient", n)
	}
	if count["text"] != 1 {
		return wrong("body.fields", "{text} stands %d times: it stands once", count["text"])
	}
	if count["callback"] > 0 && d.Callback == nil {
		return wrong("callback", "the body has {callback}: describe what the provider sends there")
	}
	return nil
}

// readObject reads an object and cuts its strings.
func readObject(path string, raw []byte, depth int) (object, error) {
	all, err := members(path, raw)
	if err != nil {
		return nil, err
	}
	var o object
	for _, m := range all {
		value, err := readValue(path+"."+m.name, m.raw, depth)
		if err != nil {
			return nil, err
		}
		o = append(o, named{m.name, value})
	}
	return o, nil
}

func readValue(path string, raw []byte, depth int) (any, error) {
	if depth > 10 {
		return nil, fmt.Errorf("%.100s: it is nested too deep", path)
	}
	switch raw[0] {
	case '{':
		return readObject(path, raw, depth+1)
	case '[':
		var all []json.RawMessage
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out := list{}
		for i, one := range all {
			value, err := readValue(fmt.Sprintf("%s.%d", path, i), one, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		}
		if len(out) > 1 && holdsRecipient(out) {
			return nil, fmt.Errorf("%s: the list with the recipient has one entry, because a message has one recipient", path)
		}
		return out, nil
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if text, ok := scalarOf(value); ok && telephone.MatchString(text) {
		return nil, fmt.Errorf("%s: it is a telephone number: the recipient comes from the letter alone, and the sender from the carrier's sender, as {from}", path)
	}
	if text, ok := value.(string); ok {
		return cut(path, text)
	}
	return value, nil
}

// codingJSON is the key under which the value of {coding} is kept as JSON.
const codingJSON = "coding as JSON"

// telephone is what looks like a telephone number written by hand; shorter ones
// without a + or a 0 are the numbers of accounts.
var telephone = regexp.MustCompile(`^(\+|0)[0-9 .-]{8,}$|^[1-9][0-9]{10,14}$`)

// cut makes a template of a string.
func cut(path, text string) (template, error) {
	out := template{}
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		if strings.Contains(before, "}") {
			return nil, fmt.Errorf("%s: a } without its {", path)
		}
		if before != "" {
			out = append(out, piece{constant: before})
		}
		if !found {
			break
		}
		field, after, closed := strings.Cut(rest, "}")
		if !closed || !slices.Contains(knownFields, field) {
			return nil, fmt.Errorf("%s: {%.20s is no field; known: {%s}", path, field, strings.Join(knownFields, "}, {"))
		}
		out = append(out, piece{field: field})
		text = after
	}
	if slices.ContainsFunc(recipients, out.has) {
		for _, p := range out {
			if strings.ContainsAny(p.constant, "0123456789,;| \t\n") {
				return nil, fmt.Errorf("%s: beside the recipient there is room for a second one: write the field alone", path)
			}
		}
	}
	return out, nil
}

func holdsRecipient(value any) bool {
	n := map[string]int{}
	countIn(value, n)
	return n["to"]+n["to_digits"]+n["to_00"] > 0
}

func (o object) count(n map[string]int) {
	for _, m := range o {
		countIn(m.value, n)
	}
}

func countIn(value any, n map[string]int) {
	switch v := value.(type) {
	case template:
		for _, p := range v {
			n[p.field]++
		}
	case list:
		for _, one := range v {
			countIn(one, n)
		}
	case object:
		v.count(n)
	}
}

func (o object) uses(field string) bool {
	n := map[string]int{}
	o.count(n)
	return n[field] > 0
}

// encode writes the body. extra is added to a form or query: a secret, most often.
func (d *Description) encode(values map[string]string, extra map[string]string) ([]byte, error) {
	if d.Body.As == "json" {
		value := d.plain(d.body, values)
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			return nil, fmt.Errorf("httpsms: body: %w", err)
		}
		return bytes.TrimRight(out.Bytes(), "\n"), nil
	}
	form := url.Values{}
	for _, n := range d.body {
		switch v := n.value.(type) {
		case template:
			if unreachable(v, values) {
				continue
			}
			form.Set(n.name, v.write(values))
		default:
			text, _ := scalarOf(v)
			form.Set(n.name, text)
		}
	}
	for name, value := range extra {
		form.Set(name, value)
	}
	return []byte(form.Encode()), nil
}

// unreachable tells whether a value has {callback} while nobody can call us: it is then
// left out.
func unreachable(value any, values map[string]string) bool {
	t, ok := value.(template)
	return ok && t.has("callback") && values["callback"] == ""
}

// plain is the tree with the fields put in, for encoding/json.
func (d *Description) plain(value any, values map[string]string) any {
	switch v := value.(type) {
	case template:
		switch {
		case v.alone() == "ttl" && !d.TTL.Text:
			return json.Number(values["ttl"])
		case v.alone() == "coding": // a text or a number, as described
			return json.RawMessage(values[codingJSON])
		}
		return v.write(values)
	case list:
		out := []any{}
		for _, one := range v {
			if !unreachable(one, values) {
				out = append(out, d.plain(one, values))
			}
		}
		return out
	case object:
		out := map[string]any{}
		for _, n := range v {
			if !unreachable(n.value, values) {
				out[n.name] = d.plain(n.value, values)
			}
		}
		return out
	}
	return value
}
