// Package arguments turns what a user wrote for a resource into JSON and back, exactly: null stays null, "5m" stays
// "5m" and "300s" stays "300s". The ledger keeps it with each stage and attempt, so that a refresh brings back the
// arguments that belonged to the release that runs.
//
// Decoding forgives: an attribute that the JSON does not have is null, one that the schema does not have is passed over.
// So what an older or newer provider wrote can be read.
package arguments

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Encode writes a resource's value. Attributes that the provider computes are left out; unknown ones become null.
func Encode(s schema.Schema, value tftypes.Value) (json.RawMessage, error) {
	var attributes map[string]tftypes.Value
	if err := value.As(&attributes); err != nil {
		return nil, fmt.Errorf("read the resource's attributes: %w", err)
	}
	written := make(map[string]any, len(attributes))
	for name, attribute := range s.Attributes {
		if attribute.IsComputed() && !attribute.IsOptional() {
			continue
		}
		plain, err := toPlain(attributes[name])
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", name, err)
		}
		if plain != nil {
			written[name] = plain
		}
	}
	encoded, err := json.Marshal(written)
	if err != nil {
		return nil, fmt.Errorf("encode the resource's arguments: %w", err)
	}
	return encoded, nil
}

// Decode reads what Encode wrote as a value of the schema's type. Computed attributes are null, since Encode leaves them out.
func Decode(ctx context.Context, s schema.Schema, encoded json.RawMessage) (tftypes.Value, error) {
	typ := s.Type().TerraformType(ctx)
	plain, err := readPlain(encoded)
	if err != nil {
		return tftypes.Value{}, fmt.Errorf("read the resource's arguments: %w", err)
	}
	if plain == nil {
		plain = map[string]any{}
	}
	value, err := fromPlain(typ, plain)
	if err != nil {
		return tftypes.Value{}, fmt.Errorf("read the resource's arguments: %w", err)
	}
	return value, nil
}

// precision of numbers is Terraform's own, in bits: a fraction such as 0.01 comes back the same.
const precision = 512

func number(text json.Number) (*big.Float, error) {
	f, _, err := big.ParseFloat(text.String(), 10, precision, big.ToNearestEven)
	if err != nil {
		return nil, fmt.Errorf("read the number %q: %w", text, err)
	}
	return f, nil
}
