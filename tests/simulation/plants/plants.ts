export const PLANTS: readonly { name: string }[] = [];
