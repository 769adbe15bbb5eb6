package httpsms

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// mostDescription bounds a description; the longest real ones have 3 kB.
const mostDescription = 64 << 10

// read fills a description from JSON: every name must be known and stand once, written
// as in the documentation. encoding/json alone accepts doubles and other cases, and
// its error about an unknown name does not say where.
func read(raw []byte, d *Description) error {
	if len(raw) > mostDescription {
		return errors.New("http: the description is longer than 64 kB")
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return errors.New("http: it is missing: describe the provider there")
	}
	if err := json.Unmarshal(raw, new(any)); err != nil {
		if at := new(json.SyntaxError); errors.As(err, &at) {
			before := raw[:min(max(int(at.Offset), 0), len(raw))]
			return fmt.Errorf("http: line %d is not JSON: %w", 1+bytes.Count(before, []byte("\n")), err)
		}
		return fmt.Errorf("http: it is not JSON: %w", err)
	}
	return fill("http", raw, reflect.ValueOf(d).Elem())
}

// fill reads raw into a value of the description's types.
func fill(path string, raw []byte, into reflect.Value) error {
	switch into.Addr().Interface().(type) {
	case json.Unmarshaler, encoding.TextUnmarshaler:
		return leaf(path, raw, into)
	}
	switch into.Kind() {
	case reflect.Pointer:
		if string(raw) == "null" {
			return nil
		}
		into.Set(reflect.New(into.Type().Elem()))
		return fill(path, raw, into.Elem())
	case reflect.Slice:
		var all []json.RawMessage
		if raw[0] != '[' {
			return fmt.Errorf("%s: it is a list: write it in [ ]", path)
		}
		if err := json.Unmarshal(raw, &all); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		into.Set(reflect.MakeSlice(into.Type(), len(all), len(all)))
		for i, one := range all {
			if err := fill(fmt.Sprintf("%s.%d", path, i), one, into.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		all, err := members(path, raw)
		if err != nil {
			return err
		}
		into.Set(reflect.MakeMap(into.Type()))
		for _, m := range all {
			value := reflect.New(into.Type().Elem()).Elem()
			if err := fill(path+"."+m.name, m.raw, value); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(m.name), value)
		}
		return nil
	case reflect.Struct:
		all, err := members(path, raw)
		if err != nil {
			return err
		}
		fields := map[string]reflect.Value{}
		collect(into, fields)
		for _, m := range all {
			field, known := fields[m.name]
			if !known {
				return fmt.Errorf("%s.%.40s: this name is not known; known here: %s", path, m.name, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
			}
			if err := fill(path+"."+m.name, m.raw, field); err != nil {
				return err
			}
		}
		return nil
	}
	return leaf(path, raw, into)
}

// collect finds the fields of a struct by their names, those of embedded ones too.
func collect(from reflect.Value, fields map[string]reflect.Value) {
	for i := range from.NumField() {
		field := from.Type().Field(i)
		if name := field.Tag.Get("json"); name != "" {
			fields[name] = from.Field(i)
		} else if field.Anonymous {
			collect(from.Field(i), fields)
		}
	}
}

// leaf reads one value.
func leaf(path string, raw []byte, into reflect.Value) error {
	err := json.Unmarshal(raw, into.Addr().Interface())
	if mismatch := new(json.UnmarshalTypeError); errors.As(err, &mismatch) {
		want := map[reflect.Kind]string{reflect.String: "a text in quotes", reflect.Int: "a whole number", reflect.Bool: "true or false"}[into.Kind()]
		if want == "" {
			want = "a text in quotes"
		}
		return fmt.Errorf("%s: it is %s, not a %s", path, want, mismatch.Value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// member is one name of an object and its value.
type member struct {
	name string
	raw  json.RawMessage
}

// members reads an object, in its order; a name stands once.
func members(path string, raw []byte) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, fmt.Errorf("%s: it is a group of names and values: write it in { }", path)
	}
	var all []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		m := member{name: name.(string)} // a name of an object is a string
		if slices.ContainsFunc(all, func(other member) bool { return other.name == m.name }) {
			return nil, fmt.Errorf("%s.%.40s: it stands twice", path, m.name)
		}
		if err := decoder.Decode(&m.raw); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// scalar is the text of a JSON text, number or truth; not of null, a list or an object.
func scalar(raw json.RawMessage) (string, bool) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return "", false
	}
	return scalarOf(value)
}

// scalarOf is scalar for a value that was read with UseNumber.
func scalarOf(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
