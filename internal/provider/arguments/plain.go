package arguments

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// toPlain turns a value into what encoding/json writes: nil, string, json.Number, bool, []any, map[string]any.
func toPlain(value tftypes.Value) (any, error) {
	if value.Type() == nil || value.IsNull() || !value.IsKnown() {
		return nil, nil
	}
	switch typ := value.Type(); {
	case typ.Is(tftypes.String):
		var text string
		err := value.As(&text)
		return text, err
	case typ.Is(tftypes.Bool):
		var truth bool
		err := value.As(&truth)
		return truth, err
	case typ.Is(tftypes.Number):
		var f big.Float
		err := value.As(&f)
		return json.Number(f.Text('g', -1)), err
	case typ.Is(tftypes.List{}), typ.Is(tftypes.Set{}), typ.Is(tftypes.Tuple{}):
		return toList(value)
	case typ.Is(tftypes.Map{}), typ.Is(tftypes.Object{}):
		return toMap(value)
	default:
		return nil, fmt.Errorf("values of type %s have no form here", typ)
	}
}

func toList(value tftypes.Value) (any, error) {
	var elements []tftypes.Value
	if err := value.As(&elements); err != nil {
		return nil, err
	}
	list := make([]any, len(elements))
	for i, element := range elements {
		plain, err := toPlain(element)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		list[i] = plain
	}
	return list, nil
}

// toMap keeps null elements of maps, which differ from missing ones, and leaves out null attributes of objects, which do not.
func toMap(value tftypes.Value) (any, error) {
	var elements map[string]tftypes.Value
	if err := value.As(&elements); err != nil {
		return nil, err
	}
	_, object := value.Type().(tftypes.Object)
	m := make(map[string]any, len(elements))
	for key, element := range elements {
		plain, err := toPlain(element)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if plain != nil || !object {
			m[key] = plain
		}
	}
	return m, nil
}

func readPlain(encoded []byte) (any, error) {
	if len(bytes.TrimSpace(encoded)) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var plain any
	if err := decoder.Decode(&plain); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the JSON value")
	}
	return plain, nil
}

// fromPlain makes a value of typ. What does not fit the type is null: a schema that changed an attribute's type does
// not know what an older one meant by it.
func fromPlain(typ tftypes.Type, plain any) (tftypes.Value, error) {
	null := tftypes.NewValue(typ, nil)
	switch plain := plain.(type) {
	case string:
		if typ.Is(tftypes.String) {
			return tftypes.NewValue(typ, plain), nil
		}
	case bool:
		if typ.Is(tftypes.Bool) {
			return tftypes.NewValue(typ, plain), nil
		}
	case json.Number:
		if typ.Is(tftypes.Number) {
			f, err := number(plain)
			if err != nil {
				return null, err
			}
			return tftypes.NewValue(typ, f), nil
		}
	case []any:
		return fromList(typ, plain)
	case map[string]any:
		return fromMap(typ, plain)
	}
	return null, nil
}

func fromList(typ tftypes.Type, plain []any) (tftypes.Value, error) {
	var element func(int) tftypes.Type
	switch typ := typ.(type) {
	case tftypes.List:
		element = func(int) tftypes.Type { return typ.ElementType }
	case tftypes.Set:
		element = func(int) tftypes.Type { return typ.ElementType }
	case tftypes.Tuple:
		if len(typ.ElementTypes) != len(plain) {
			return tftypes.NewValue(typ, nil), nil
		}
		element = func(i int) tftypes.Type { return typ.ElementTypes[i] }
	default:
		return tftypes.NewValue(typ, nil), nil
	}
	values := make([]tftypes.Value, len(plain))
	for i := range plain {
		value, err := fromPlain(element(i), plain[i])
		if err != nil {
			return value, fmt.Errorf("element %d: %w", i, err)
		}
		values[i] = value
	}
	return tftypes.NewValue(typ, values), nil
}

func fromMap(typ tftypes.Type, plain map[string]any) (tftypes.Value, error) {
	values := map[string]tftypes.Value{}
	switch typ := typ.(type) {
	case tftypes.Map:
		for key := range plain {
			value, err := fromPlain(typ.ElementType, plain[key])
			if err != nil {
				return value, fmt.Errorf("%s: %w", key, err)
			}
			values[key] = value
		}
	case tftypes.Object:
		for name, attribute := range typ.AttributeTypes {
			value, err := fromPlain(attribute, plain[name])
			if err != nil {
				return value, fmt.Errorf("%s: %w", name, err)
			}
			values[name] = value
		}
	default:
		return tftypes.NewValue(typ, nil), nil
	}
	return tftypes.NewValue(typ, values), nil
}
