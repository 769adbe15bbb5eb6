// Package gift reads quizzes in GIFT, the text format of Moodle's question banks
// (https://docs.moodle.org/en/GIFT_format), and says whether an answer is right.
//
// Texts are given as typed, with the format's escapes undone: whoever shows them makes them safe.
package gift

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is how a question is answered.
type Kind string

// Kinds.
const (
	Text    Kind = "text"    // nothing is asked
	Open    Kind = "open"    // answered in one's own words; a machine does not correct it
	Truth   Kind = "truth"   // true or false
	One     Kind = "one"     // one of the options
	Several Kind = "several" // every right option, and no other
	Short   Kind = "short"   // a word or a few
	Number  Kind = "number"
	Match   Kind = "match" // each of the pairs
)

// Question is one question. Its answers are in it, too: a page shows them only to whoever has
// answered.
type Question struct {
	Line    int // of the text, from 1
	Kind    Kind
	Title   string
	Before  string // what is asked
	After   string // what follows the gap, of a text with one
	Options []Option
	Pairs   []Pair
	General string // said to everybody who has answered
}

// Option is one answer that a question knows.
type Option struct {
	Text    string
	Weight  float64 // percent of the question: 100 is right, negative takes away
	Says    string  // to whoever chose it
	Lo, Hi  float64 // of Number: both within
	Anybody bool    // of Number: whatever else was typed
}

// Pair is what belongs together.
type Pair struct{ Left, Right string }

// Bounds of a quiz.
const (
	MostQuestions = 60
	mostOptions   = 30
)

// Why says what is wrong with a quiz.
type Why string

// What can be wrong.
const (
	Unclosed   Why = "unclosed"   // { without }
	Unopened   Why = "unopened"   // } without {, or a second {
	Empty      Why = "empty"      // an answer without a text
	NoRight    Why = "noright"    // no answer of a question is right
	TwoRight   Why = "tworight"   // one option is to be chosen, and two are right
	NotANumber Why = "notanumber" // of a question about a number
	OnePair    Why = "onepair"    // fewer than two pairs, or an answer that is none
	TooMany    Why = "toomany"    // questions, or answers of one
	Weight     Why = "weight"     // not a percentage from -100 to 100
)

// Error is what is wrong, and where.
type Error struct {
	Line int
	Why  Why
}

func (e *Error) Error() string { return fmt.Sprintf("gift: line %d: %s", e.Line, e.Why) }

// Parse reads a quiz. An error is an *Error. Questions are apart by an empty line; lines that
// begin with // are comments, and those that name a category say nothing here.
func Parse(text string) ([]Question, error) {
	var all []Question
	var block strings.Builder
	from := 0
	end := func() error {
		defer block.Reset()
		if strings.TrimSpace(block.String()) == "" {
			return nil
		}
		q, err := question(block.String(), from)
		if err != nil {
			return err
		}
		if len(all) == MostQuestions {
			return &Error{from, TooMany}
		}
		all = append(all, q)
		return nil
	}
	for i, line := range strings.Split(strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\r\n", "\n"), "\n") {
		bare := strings.TrimSpace(line)
		switch {
		case bare == "":
			if err := end(); err != nil {
				return nil, err
			}
			continue
		case strings.HasPrefix(bare, "//"), strings.HasPrefix(bare, "$CATEGORY:"):
			line = "" // the lines after it keep their number
		}
		if block.Len() == 0 {
			from = i + 1
		}
		block.WriteString(line)
		block.WriteByte('\n')
	}
	return all, end()
}

// question reads one block of lines that begins at a line.
func question(block string, from int) (q Question, err error) {
	s := escape(block)
	at := func(i int) int { return from + strings.Count(s[:i], "\n") }
	q.Line = at(len(s) - len(strings.TrimLeft(s, " \t\n")))
	open := strings.IndexByte(s, '{')
	if close := strings.IndexByte(s, '}'); open < 0 && close >= 0 || close >= 0 && close < open {
		return q, &Error{at(close), Unopened}
	}
	head, body, tail := s, "", ""
	if open >= 0 {
		close := strings.IndexByte(s, '}')
		if close < 0 {
			return q, &Error{at(open), Unclosed}
		}
		if again := strings.IndexByte(s[open+1:], '{'); again >= 0 {
			return q, &Error{at(open + 1 + again), Unopened}
		}
		if again := strings.IndexByte(s[close+1:], '}'); again >= 0 {
			return q, &Error{at(close + 1 + again), Unopened}
		}
		head, body, tail = s[:open], s[open+1:close], s[close+1:]
	}
	head = strings.TrimSpace(head)
	if rest, ok := strings.CutPrefix(head, "::"); ok {
		if title, after, ok := strings.Cut(rest, "::"); ok {
			q.Title, head = said(title), strings.TrimSpace(after)
		}
	}
	q.Before, q.After = said(unformatted(head)), said(tail)
	if open < 0 {
		q.Kind = Text
		return q, nil
	}
	if body, general, ok := strings.Cut(body, "####"); ok {
		q.General = said(unformatted(strings.TrimSpace(general)))
		return q, q.answers(body, at(open))
	}
	return q, q.answers(body, at(open))
}

// answers reads what is between the braces.
func (q *Question) answers(body string, line int) error {
	line += strings.Count(body[:len(body)-len(strings.TrimLeft(body, " \t\n"))], "\n")
	body = strings.TrimSpace(body)
	if body == "" {
		q.Kind = Open
		return nil
	}
	if q.truth(body) {
		return nil
	}
	number := strings.HasPrefix(body, "#")
	if number {
		body = strings.TrimSpace(body[1:])
		if !strings.HasPrefix(body, "=") && !strings.HasPrefix(body, "~") {
			body = "=" + body
		}
	}
	items, wrong, err := itemsOf(body, line, number)
	if err != nil {
		return err
	}
	switch {
	case number:
		q.Kind = Number
		return q.numbers(items, line)
	case strings.Contains(body, "->"):
		q.Kind = Match
		return q.pairs(items, line)
	case !wrong:
		q.Kind = Short
	default:
		q.Kind = One
	}
	right := 0
	for _, it := range items {
		if it.Weight >= 100 {
			right++
		}
	}
	q.Options = items
	if q.Kind == Short {
		if right == 0 {
			return &Error{line, NoRight}
		}
		return nil
	}
	if right == 0 {
		q.Kind = Several
		sum := 0.0
		for _, it := range items {
			sum += max(0, it.Weight)
		}
		if sum < nearly {
			return &Error{line, NoRight}
		}
	}
	if right > 1 {
		return &Error{line, TwoRight}
	}
	return nil
}

// nearly is what counts as the whole of a question: thirds are written 33.333.
const nearly = 99

// truth reads {T}, {FALSE#said when wrong#said when right}.
func (q *Question) truth(body string) bool {
	parts := strings.SplitN(body, "#", 3)
	var is bool
	switch strings.ToUpper(strings.TrimSpace(parts[0])) {
	case "T", "TRUE":
		is = true
	case "F", "FALSE":
	default:
		return false
	}
	q.Kind = Truth
	q.Options = []Option{{Text: "true"}, {Text: "false"}}
	right, wrong := &q.Options[1], &q.Options[0]
	if is {
		right, wrong = wrong, right
	}
	right.Weight = 100
	if len(parts) > 1 {
		wrong.Says = said(parts[1])
	}
	if len(parts) > 2 {
		right.Says = said(parts[2])
	}
	return true
}

// itemsOf reads =right, ~wrong, ~%50%half, each with #what is said. wrong: one began with ~; of
// numbers that may be whatever else is typed, and has no text.
func itemsOf(body string, line int, numbers bool) (items []Option, wrong bool, err error) {
	for i := 0; i < len(body); {
		at := line + strings.Count(body[:i], "\n")
		kind := body[i]
		if kind != '=' && kind != '~' {
			return nil, false, &Error{at, Empty}
		}
		n := strings.IndexAny(body[i+1:], "=~")
		if n < 0 {
			n = len(body) - i - 1
		}
		text := body[i+1 : i+1+n]
		i += 1 + n
		o := Option{}
		if kind == '=' {
			o.Weight = 100
		}
		wrong = wrong || kind == '~'
		text = strings.TrimSpace(text)
		if rest, ok := strings.CutPrefix(text, "%"); ok {
			percent, after, ok := strings.Cut(rest, "%")
			w, err := strconv.ParseFloat(strings.ReplaceAll(percent, ",", "."), 64)
			if !ok || err != nil || !(w >= -100 && w <= 100) {
				return nil, false, &Error{at, Weight}
			}
			o.Weight, text = w, after
		}
		text, says, _ := strings.Cut(text, "#")
		o.Text, o.Says = said(unformatted(strings.TrimSpace(text))), said(unformatted(strings.TrimSpace(says)))
		if len(items) == mostOptions {
			return nil, false, &Error{at, TooMany}
		}
		if o.Text == "" && !(numbers && kind == '~') {
			return nil, false, &Error{at, Empty}
		}
		items = append(items, o)
	}
	return items, wrong, nil
}

// numbers reads 3.14:0.05, 1..5 and 7.
func (q *Question) numbers(items []Option, line int) error {
	right := false
	for _, o := range items {
		switch low, high, ok := strings.Cut(o.Text, ".."); {
		case o.Weight <= 0 && !isNumber(o.Text):
			o.Anybody = true
		case ok:
			lo, hi, err := bothNumbers(low, high)
			if err || lo > hi {
				return &Error{line, NotANumber}
			}
			o.Lo, o.Hi = lo, hi
		default:
			value, within, ok := strings.Cut(o.Text, ":")
			if !ok {
				within = "0"
			}
			v, w, err := bothNumbers(value, within)
			if err || w < 0 {
				return &Error{line, NotANumber}
			}
			o.Lo, o.Hi = v-w, v+w
		}
		right = right || o.Weight >= 100
		q.Options = append(q.Options, o)
	}
	if !right {
		return &Error{line, NoRight}
	}
	return nil
}

func (q *Question) pairs(items []Option, line int) error {
	for _, o := range items {
		left, right, ok := strings.Cut(o.Text, "->")
		left, right = strings.TrimSpace(left), strings.TrimSpace(right)
		if !ok || right == "" || o.Weight < 100 {
			return &Error{line, OnePair}
		}
		q.Pairs = append(q.Pairs, Pair{left, right}) // without a left one it is an answer too many
	}
	lefts := 0
	for _, p := range q.Pairs {
		if p.Left != "" {
			lefts++
		}
	}
	if lefts < 2 {
		return &Error{line, OnePair}
	}
	return nil
}

// unformatted leaves out which format a text is said to be in: all of it is Markdown here.
func unformatted(s string) string {
	for _, format := range []string{"[html]", "[moodle]", "[plain]", "[markdown]"} {
		if rest, ok := strings.CutPrefix(s, format); ok {
			return strings.TrimSpace(rest)
		}
	}
	return s
}
