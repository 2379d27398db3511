package whole_test

import (
	"math/big"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

func TestNumbers(t *testing.T) {
	step := path.Root("steps").AtListIndex(0)
	for given, refused := range map[any]bool{
		big.NewFloat(25): false, big.NewFloat(-1): false, big.NewFloat(2.5): true, big.NewFloat(1e30): true, nil: false, tftypes.UnknownValue: false,
	} {
		value, err := whole.Type{}.ValueFromTerraform(t.Context(), tftypes.NewValue(tftypes.Number, given))
		if err != nil {
			t.Fatal(err)
		}
		number, is := value.(whole.Number)
		if !is {
			t.Fatalf("%v is %T", given, value)
		}
		var resp xattr.ValidateAttributeResponse
		number.ValidateAttribute(t.Context(), xattr.ValidateAttributeRequest{Path: step.AtName("weight")}, &resp)
		if refused {
			configtest.WantOne(t, resp.Diagnostics, step, "is not a whole number")
			if !number.IsUnknown() {
				t.Errorf("%v counts as %s", given, number)
			}
		} else if len(resp.Diagnostics) > 0 || number.IsNull() != (given == nil) {
			t.Errorf("%v: got %s, %v", given, number, resp.Diagnostics)
		}
	}
}
