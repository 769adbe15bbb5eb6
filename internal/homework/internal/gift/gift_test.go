package gift

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// one parses a quiz of one question.
func one(t *testing.T, text string) Question {
	t.Helper()
	all, err := Parse(text)
	if err != nil || len(all) != 1 {
		t.Fatalf("%q: %d questions, %v", text, len(all), err)
	}
	return all[0]
}

func TestKinds(t *testing.T) {
	for text, want := range map[string]Question{
		"La pluie tombe.": {Kind: Text, Before: "La pluie tombe."},
		"Raconte. {}":     {Kind: Open, Before: "Raconte."},
		"::Ciel:: Il pleut sous le préau. {F#On y est à l'abri.#Oui.}": {Kind: Truth, Title: "Ciel", Before: "Il pleut sous le préau.",
			Options: []Option{{Text: "true", Says: "On y est à l'abri."}, {Text: "false", Weight: 100, Says: "Oui."}}},
		"[markdown]2 + 2 ? {=4 ~3#Compte. ~5 #### **Quatre**.}": {Kind: One, Before: "2 + 2 ?", General: "**Quatre**.",
			Options: []Option{{Text: "4", Weight: 100}, {Text: "3", Says: "Compte."}, {Text: "5"}}},
		"Pairs ? {~%50%2 ~%50%4 ~%-100%3}": {Kind: Several, Before: "Pairs ?", Options: []Option{{Text: "2", Weight: 50}, {Text: "4", Weight: 50}, {Text: "3", Weight: -100}}},
		"Le {=toit =%50%abri} du préau":    {Kind: Short, Before: "Le", After: "du préau", Options: []Option{{Text: "toit", Weight: 100}, {Text: "abri", Weight: 50}}},
		"π ? {#3,14:0.01}":                 {Kind: Number, Before: "π ?", Options: []Option{{Text: "3,14:0.01", Weight: 100, Lo: 3.1300000000000003, Hi: 3.15}}},
		"Entre ? {#1..5#Bien}":             {Kind: Number, Before: "Entre ?", Options: []Option{{Text: "1..5", Weight: 100, Says: "Bien", Lo: 1, Hi: 5}}},
		"Relie. {=chat -> miaule =chien -> aboie = -> chante}": {Kind: Match, Before: "Relie.",
			Pairs: []Pair{{"chat", "miaule"}, {"chien", "aboie"}, {"", "chante"}}},
		`x \= 2 \{ensemble\}\: \~ {=a\=b ~c\nd \\}`: {Kind: One, Before: "x = 2 {ensemble}: ~", Options: []Option{{Text: "a=b", Weight: 100}, {Text: "c\nd \\"}}},
	} {
		all, err := Parse(text)
		want.Line = 1
		if err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], want) {
			t.Errorf("%q: %v\n got %+v\nwant %+v", text, err, all, want)
		}
	}
}

func TestBlocks(t *testing.T) {
	all, err := Parse("// un commentaire\n$CATEGORY: maths\n\n::A:: a {T}\n\n\n// encore\nb {=x\n~y\n}\r\n\r\nfin")
	if err != nil || len(all) != 3 || all[0].Title != "A" || all[0].Line != 4 || all[1].Line != 8 || all[2].Kind != Text {
		t.Errorf("%v %+v", err, all)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]Error{
		"a {T}\n\nb {=x":                         {3, Unclosed},
		"a =x}":                                  {1, Unopened},
		"a {=x {y}}":                             {1, Unopened},
		"a {=x} b}":                              {1, Unopened},
		"a\n{x}":                                 {2, Empty},
		"a {\n=x\n~}":                            {3, Empty},
		"a {~x ~y}":                              {1, NoRight},
		"a {~%20%x ~%30%y}":                      {1, NoRight},
		"a {=x =y ~z}":                           {1, TwoRight},
		"a {#deux}":                              {1, NotANumber},
		"a {#5..1}":                              {1, NotANumber},
		"a {=x -> y}":                            {1, OnePair},
		"a {=x -> y =z}":                         {1, OnePair},
		"a {~%150%x =y}":                         {1, Weight},
		"a {~%x =y}":                             {1, Weight},
		strings.Repeat("a\n\n", MostQuestions+1): {2*MostQuestions + 1, TooMany},
		"a {" + strings.Repeat("=x ", mostOptions+1) + "}": {1, TooMany},
	} {
		_, err := Parse(text)
		var got *Error
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%.40q: %v, want %v", text, err, &want)
		}
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		text   string
		answer []string
		right  bool
		ok     bool
		says   []string
	}{
		{"a {T#non#oui}", []string{"0"}, true, true, []string{"oui"}},
		{"a {T#non#oui}", []string{"1"}, false, true, []string{"non"}},
		{"a {T}", []string{"2"}, false, false, nil},
		{"a {T}", nil, false, false, nil},
		{"a {T}", []string{"0", "1"}, false, false, nil},
		{"a {~x =y#bien ####en tout}", []string{"1"}, true, true, []string{"bien", "en tout"}},
		{"a {~%50%x ~%50%y ~%-100%z}", []string{"0", "1"}, true, true, nil},
		{"a {~%50%x ~%50%y ~%-100%z}", []string{"0"}, false, true, nil},
		{"a {~%50%x ~%50%y ~%-100%z}", []string{"0", "1", "2"}, false, true, nil},
		{"a {~%50%x ~%50%y ~%-100%z}", []string{"0", "0"}, false, false, nil},
		{"a {=Le  Toit}", []string{" le toit "}, true, true, nil},
		{"a {=été}", []string{"ete"}, false, true, nil},
		{"a {=cha*t*}", []string{"chatte"}, true, true, nil},
		{"a {=a*a}", []string{"a"}, false, true, nil},
		{"a {=x =%50%y#presque}", []string{"y"}, false, true, []string{"presque"}},
		{"a {=x}", []string{" "}, false, false, nil},
		{"a {#3.14:0.01}", []string{"3,15"}, true, true, nil},
		{"a {#3.14:0.01}", []string{"3.13"}, true, true, nil},
		{"a {#3.14:0.01}", []string{"3.2"}, false, true, nil},
		{"a {# =1881:0 =%50%1881:2#Presque ~#Non}", []string{"1883"}, false, true, []string{"Presque"}},
		{"a {# =1881:0 =%50%1881:2#Presque ~#Non}", []string{"7"}, false, true, []string{"Non"}},
		{"a {#1000}", []string{"1 000"}, true, true, nil},
		{"a {#1}", []string{"un"}, false, false, nil},
		{"a {=x -> 1 =y -> 2 = -> 3}", []string{"1", "2"}, true, true, nil},
		{"a {=x -> 1 =y -> 2}", []string{"2", "1"}, false, true, nil},
		{"a {=x -> 1 =y -> 2}", []string{"1", "9"}, false, false, nil},
		{"a {}", []string{"texte"}, false, false, nil},
		{"a", []string{"texte"}, false, false, nil},
	} {
		v, ok := one(t, c.text).Judge(c.answer)
		if ok != c.ok || v.Right != c.right || !reflect.DeepEqual(v.Says, c.says) {
			t.Errorf("%s %q: %+v %v", c.text, c.answer, v, ok)
		}
	}
}

// FuzzParse: whatever is typed is a quiz or an error with a line of it, and every question that
// is asked has an answer that is right.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"a {T}", "a {~%50%x ~%50%y}", "a {#1:2}", "a {=x -> y =z -> t}", "::t:: [html]a {=b#c ~d ####e}", "a \\{ {=}", "// x\n\n$CATEGORY: y\na {}", "\ue000{=\ue001}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Parse(text)
		var wrong *Error
		if err != nil {
			if !errors.As(err, &wrong) || wrong.Line < 1 || wrong.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, q := range all {
			v, ok := q.Judge(solution(q))
			if ok != q.Asked() || v.Right != q.Asked() {
				t.Fatalf("%+v answered with %q: %+v %v", q, solution(q), v, ok)
			}
		}
	})
}

// solution is an answer that is right.
func solution(q Question) (answer []string) {
	switch q.Kind {
	case Truth, One, Several:
		for i, o := range q.Options {
			if o.Weight > 0 && (q.Kind == Several || o.Weight >= 100) {
				answer = append(answer, strconv.Itoa(i))
			}
		}
	case Short:
		for _, o := range q.Options {
			if o.Weight >= 100 {
				return []string{strings.ReplaceAll(o.Text, "*", "x")}
			}
		}
	case Number:
		for _, o := range q.Options {
			if o.Weight >= 100 {
				return []string{strconv.FormatFloat(o.Lo/2+o.Hi/2, 'g', -1, 64)}
			}
		}
	case Match:
		for _, p := range q.Lefts() {
			answer = append(answer, p.Right)
		}
	}
	return answer
}
