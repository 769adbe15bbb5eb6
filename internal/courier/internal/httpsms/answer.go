package httpsms

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// reading is an answer that was read whole.
type reading struct {
	status int
	body   []byte
	tree   any // nil when the body is not JSON
}

// parseJSON reads one JSON value with nothing after it; nil when it is not that.
// Numbers keep their digits: ids are longer than a float64 can hold.
func parseJSON(raw []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var tree any
	if decoder.Decode(&tree) != nil {
		return nil
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil
	}
	return tree
}

var pathForm = regexp.MustCompile(`^[^.{}\s]{1,60}(\.[^.{}\s]{1,60}){0,9}$`)

func pathLike(path string) bool { return pathForm.MatchString(path) }

// at finds what a path names: names of objects and numbers of lists, joined by dots.
func at(tree any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch v := tree.(type) {
		case map[string]any:
			tree = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			tree = v[i]
		default:
			return nil
		}
	}
	return tree
}

// textAt is the text or number that a path names, or "".
func textAt(tree any, path string) string {
	if path == "" {
		return ""
	}
	text, _ := scalarOf(at(tree, path))
	return text
}

// holds asks about one place. In what is not JSON nothing is known to be absent.
func (w Where) holds(tree any) bool {
	if tree == nil {
		return false
	}
	found := at(tree, w.Path)
	switch {
	case w.Absent:
		return found == nil
	case len(w.Is) == 0:
		return found != nil
	}
	text, ok := scalarOf(found)
	return ok && slices.Contains(w.Is, text)
}

func allHold(where []Where, tree any) bool {
	return !slices.ContainsFunc(where, func(w Where) bool { return !w.holds(tree) })
}

// holds tells whether an answer is the yes, and which id it gives.
func (a *Accept) holds(r reading) (id string, yes bool) {
	if !slices.Contains(a.Status, r.status) || !allHold(a.Where, r.tree) || a.Match != nil && !a.Match.Match(r.body) {
		return "", false
	}
	if a.ID == nil {
		return "", true
	}
	if a.ID.Match != nil {
		if found := a.ID.Match.FindSubmatch(r.body); found != nil {
			id = string(found[1])
		}
	} else {
		id = textAt(r.tree, a.ID.Path)
	}
	return id, idLike(id)
}

// idLike bounds the ids of providers: they are kept and compared, never shown.
func idLike(id string) bool {
	return id != "" && len(id) <= 200 && printable(id)
}

// holds tells whether an answer is this no.
func (f *Refuse) holds(r reading) bool {
	return slices.Contains(f.Status, r.status) && allHold(f.Where, r.tree) && (f.Match == nil || f.Match.Match(r.body))
}
