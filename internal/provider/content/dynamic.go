package content

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// FromDynamic reads a content of whatever types a user's expression has: numbers and truth values become text as
// Terraform converts them, null and empty are absent, keys that a content does not have are refused by name.
func FromDynamic(value tftypes.Value) (service.Content, error) {
	var c service.Content
	plain, err := textual(value)
	if err != nil {
		return c, err
	}
	object, ok := plain.(map[string]any)
	if !ok {
		return c, errors.New("the content is an object, such as { version = \"1.8.2\", artifact = …, host = { command = [\"./web\"] } }")
	}
	if err := onlyKeys(object, "", "version", "artifact", "config", "secrets", "host", "kubernetes", "restart"); err != nil {
		return c, err
	}
	if err := Platforms.Check(chosen(object)); err != nil {
		return c, err
	}
	if host, found := object["host"].(map[string]any); found {
		if err := onlyKeys(host, "host.", "command"); err != nil {
			return c, err
		}
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		return c, fmt.Errorf("read the content: %w", err)
	}
	if err := json.Unmarshal(encoded, &c); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) {
			return c, fmt.Errorf("%s has the wrong type: %s", mismatch.Field, forms)
		}
		return c, fmt.Errorf("read the content: %w", err)
	}
	if problems := c.Validate(); len(problems) > 0 {
		return c, problems[0]
	}
	return c, nil
}

const forms = "version, artifact and restart are text, config and secrets maps of text, host an object with the list command"

// chosen are the platforms that a content is for.
func chosen(object map[string]any) []string {
	return slices.DeleteFunc(slices.Clone(Platforms.Names), func(name string) bool { _, found := object[name]; return !found })
}

func onlyKeys(object map[string]any, prefix string, allowed ...string) error {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(allowed, key) {
			return fmt.Errorf("%s%s is not part of a content: it has %s", prefix, key, strings.Join(allowed, ", "))
		}
	}
	return nil
}

// textual turns a value into text, lists and maps. Null is absent; empty lists and maps are, too, by the canonical form.
func textual(value tftypes.Value) (any, error) {
	if value.IsNull() {
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
		return fmt.Sprint(truth), err
	case typ.Is(tftypes.Number):
		var f big.Float
		err := value.As(&f)
		return f.Text('f', -1), err
	case typ.Is(tftypes.Map{}), typ.Is(tftypes.Object{}):
		return textualMap(value)
	default:
		return textualList(value)
	}
}

func textualMap(value tftypes.Value) (any, error) {
	var elements map[string]tftypes.Value
	if err := value.As(&elements); err != nil {
		return nil, fmt.Errorf("read the content: %w", err)
	}
	m := map[string]any{}
	for key, element := range elements {
		text, err := textual(element)
		if err != nil {
			return nil, err
		}
		if text != nil {
			m[key] = text
		}
	}
	return m, nil
}

func textualList(value tftypes.Value) (any, error) {
	var elements []tftypes.Value
	if err := value.As(&elements); err != nil {
		return nil, fmt.Errorf("read the content: %w", err)
	}
	list := make([]any, len(elements))
	for i, element := range elements {
		text, err := textual(element)
		if err != nil {
			return nil, err
		}
		if text == nil {
			text = ""
		}
		list[i] = text
	}
	return list, nil
}
