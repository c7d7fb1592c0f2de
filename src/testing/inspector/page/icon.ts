/** The mark of the page: a message in two halves, one of them settled. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">
<rect width="24" height="24" rx="6" fill="#0b6b6b"/>
<path d="M12 5a7 7 0 0 0 0 14z" fill="#fff"/>
<path d="M12 5a7 7 0 0 1 0 14" fill="none" stroke="#fff" stroke-width="1.6" stroke-dasharray="2.4 2"/>
</svg>
`;
