// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections;
using System.Globalization;
using System.Text;

namespace Agones.Processor
{
    /// <summary>Requests from dictionaries, lists, texts, numbers and booleans; what reads them checks them.</summary>
    internal static class Json
    {
        internal static string Write(object value)
        {
            var text = new StringBuilder();
            Write(value, text);
            return text.ToString();
        }

        private static void Write(object value, StringBuilder text)
        {
            if (value == null) text.Append("null");
            else if (value is string) Write((string)value, text);
            else if (value is bool) text.Append((bool)value ? "true" : "false");
            else if (value is IDictionary) WriteMembers((IDictionary)value, text);
            else if (value is IEnumerable) WriteValues((IEnumerable)value, text);
            else if (value is IFormattable) text.Append(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
            else throw new ArgumentException(value.GetType() + " has no place in a request");
        }

        private static void WriteMembers(IDictionary members, StringBuilder text)
        {
            string before = "{";
            foreach (DictionaryEntry member in members)
            {
                text.Append(before);
                before = ",";
                Write((string)member.Key, text);
                text.Append(':');
                Write(member.Value, text);
            }
            text.Append(members.Count == 0 ? "{}" : "}");
        }

        private static void WriteValues(IEnumerable values, StringBuilder text)
        {
            string before = "";
            text.Append('[');
            foreach (object one in values)
            {
                text.Append(before);
                before = ",";
                Write(one, text);
            }
            text.Append(']');
        }

        private static void Write(string value, StringBuilder text)
        {
            text.Append('"');
            foreach (char c in value)
            {
                if (c == '"' || c == '\\') text.Append('\\').Append(c);
                else if (c < ' ') text.Append("\\u").Append(((int)c).ToString("x4"));
                else text.Append(c);
            }
            text.Append('"');
        }
    }
}
